"""The capstone: a newcomer's way from an empty folder to a grade, and solutions that are broken in known ways."""
import json
import re
import shutil

import pytest
from commands import error_of, run

from minillm.commands.capstone_checks import RUBRIC, check_milestone
from minillm.commands.capstone_folder import (
    MILESTONES, capstone_settings, milestone_file, part, split_text, start_project)
from minillm.commands.capstone_grade import grade_lines, grade_project


# what seconds of training reach depends on the machine's arithmetic; all else must be right
LEARNED = {"it uses its eyes", "descriptions right", "answers end", "answers right", "answers got better"}


def said(folder, milestone):
    "What each criterion of a milestone has to say, by name."
    return {row["name"]: row["said"] for row in check_milestone(folder, milestone)}


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    "A newcomer starts a project, has it graded, fills it with the solution, builds it and has it graded again."
    folder = tmp_path_factory.mktemp("capstone") / "mine"
    assert run("capstone", "start", folder) == 0
    empty = grade_project(folder, ("tokenizer", "decoder", "training"))
    for name in MILESTONES: (folder / f"{name}.py").write_text(milestone_file(name, solution=True), encoding="utf-8")
    assert run("capstone", "build", folder) == 0
    return folder, empty


def test_the_points_are_a_hundred_and_each_milestone_has_some():
    assert sum(c.points for c in RUBRIC) == 100 and {c.milestone for c in RUBRIC} == set(MILESTONES)


def test_a_newcomer_begins_with_nothing_and_ends_with_a_grade(walked, capsys):
    folder, empty = walked
    assert empty["points"] == 0 and {row["said"] for row in empty["rows"]} & {"not written yet"}
    capsys.readouterr()
    assert run("capstone", "grade", folder, "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    missed = {row["name"]: row["said"] for row in found["rows"] if row["said"]}
    assert found["of"] == 100 and set(missed) <= LEARNED, missed
    assert found["figures"]["parameters"] <= capstone_settings(folder).parameters
    assert run("capstone", "grade", folder, "--only", "tokenizer") == 0
    assert "tokenizer 10/10" in capsys.readouterr().out


def copied(folder, tmp_path):
    "A copy of a project, to be broken."
    return shutil.copytree(folder, tmp_path / "broken")


# milestone, what stands in the file, what stands there in its place, the criterion that fails, and what is said
BROKEN = {
    "mask after the softmax": ("decoder", 'return scores.masked_fill(hidden, float("-inf")).softmax(-1)',
                               "return scores.softmax(-1).masked_fill(hidden, 0.0)", "attention weights", "the mask comes after the softmax"),
    "softmax over the queries": ("decoder", 'float("-inf")).softmax(-1)', 'float("-inf")).softmax(-2)', "attention weights", "the columns sum to one"),
    "a window of one too many": ("decoder", "(age >= (window or T))", "(age > (window or T))", "attention weights", "attends to 4 keys"),
    "experts without balance": ("decoder", "balance_weight=0.01", "balance_weight=0.0", "kept in balance", "nothing keeps the experts balanced"),
    "only global layers": ("decoder", 'layer_pattern="LG",\n                       window=32', 'layer_pattern="G"',
                           "local and global layers, size", "all layers are of one kind"),
    "the target is the input": ("training", "return rows[:, :-1], rows[:, 1:]", "return rows[:, :-1], rows[:, :-1]", "targets come next", "input itself"),
    "targets off by one": ("training", "rows = torch.stack([ids[s:s + length + 1] for s in starts])           # (B, T + 1)\n"
                           "    return rows[:, :-1], rows[:, 1:]",
                           "rows = torch.stack([ids[s:s + length + 2] for s in starts])\n    return rows[:, :-2], rows[:, 2:]",
                           "targets come next", "off by one"),
    "training on the held-out text": ("training", 'return text_part(folder, "train")',
                                      'return text_part(folder, "train") + "\\n" + text_part(folder, "held")',
                                      "held-out text not seen", "60 of 60 held-out paragraphs stand in the training text"),
    "a tokenizer that loses bytes": ("tokenizer", "return BPETokenizer.train(text, vocab_size, SPECIALS)",
                                     "class Ascii(BPETokenizer):\n"
                                     "        def encode(self, text, allowed_special=()):\n"
                                     "            return super().encode(text.encode('ascii', 'ignore').decode(), allowed_special)\n"
                                     "    return Ascii.train(text, vocab_size, SPECIALS)",
                                     "every text comes back", "it loses bytes"),
    "a tokenizer without the chat's marks": ("tokenizer", "vocab_size, SPECIALS)", "vocab_size)", "special tokens", "no token of its own"),
    "the end is not learned": ("following", "return encode_chat(template, tokenizer, messages)",
                               "ids, learned = encode_chat(template, tokenizer, messages)\n    return ids, learned[:-1] + [False]",
                               "what is learned", "answers will not end"),
    "the template as ordinary text": ("following", "return encode_chat(template, tokenizer, messages)",
                                      "ids = tokenizer.encode(template.render(messages))\n    return ids, [True] * len(ids)",
                                      "what is learned", "its marks were split"),
    "the question is learned": ("following", "return encode_chat(template, tokenizer, messages)",
                                "ids, learned = encode_chat(template, tokenizer, messages)\n    return ids, [True] * len(ids)",
                                "what is learned", "the user's words are learned too"),
    "half an answer is enough": ("verifying", "answer == str(int(a) + int(b))[::-1]", "str(int(a) + int(b))[::-1].startswith(answer)",
                                 "the verifier is exact", "half an answer is accepted"),
    "any digit is a digit": ("verifying", 're.fullmatch("[0-9]+", answer) is not None\n                 and answer == str(int(a) + int(b))[::-1]',
                             "int(answer[::-1]) == int(a) + int(b)", "the verifier is exact", "a zero too many"),
    "one scale for all rows": ("quantizing", "weight.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127", "weight.abs().max() / 127",
                               "codes and scales", "one scale for the whole matrix"),
    "the end of a caption is lost": ("seeing", "    return 4 * torch.stack", "    targets[targets == end] = -100\n    return 4 * torch.stack",
                                     "targets of pictures", "descriptions will not end"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_solution_loses_its_points_and_hears_why(walked, tmp_path, name):
    milestone, old, new, criterion, words = BROKEN[name]
    broken = copied(walked[0], tmp_path)
    source = (broken / f"{milestone}.py").read_text()
    assert old in source
    (broken / f"{milestone}.py").write_text(source.replace(old, new))
    found = said(broken, milestone)
    assert found[criterion] and re.search(words, found[criterion]), found[criterion]
    assert {name for name, why in found.items() if why} - LEARNED == {criterion}, found      # and nothing else


def test_a_card_with_wrong_numbers(walked, tmp_path):
    broken = copied(walked[0], tmp_path)
    text = re.sub(r"(sums right \| )\S+", r"\g<1>0.993", (broken / "card.md").read_text())
    (broken / "card.md").write_text(text)
    assert "the card says sums right 0.993, and " in said(broken, "card")["figures as measured"]
    (broken / "card.md").write_text("# A model\n\nIt is very good.\n")
    assert "no section `## Data`" in said(broken, "card")["its parts"]


def test_a_quantized_folder_of_another_model(walked, tmp_path):
    from minillm.checkpoint.open import open_model
    from minillm.checkpoint.quantized import write_quantized
    broken = copied(walked[0], tmp_path)
    shutil.rmtree(broken / "quantized")
    other = open_model(broken / "run")
    write_quantized(other.model, other.tokenizer, broken / "quantized", "int8", table=True, text_format=other.text_format)
    assert "made from another model" in said(broken, "quantizing")["the same model"]


def test_what_crashes_or_hangs_costs_its_own_points_only(walked, tmp_path):
    broken = copied(walked[0], tmp_path)
    (broken / "decoder.py").write_text("import os\nos._exit(3)\n")
    (broken / "quantizing.py").write_text("while True: pass\n")
    (broken / "verifying.py").write_text("def judge(:\n")
    found = grade_project(broken, ("tokenizer", "decoder", "verifying", "quantizing", "card"), seconds=60)
    told = {(row["milestone"], row["name"]): row["said"] for row in found["rows"]}
    assert told["decoder", "attention weights"] == "its process ended (exit status 3)"
    assert told["quantizing", "size"] == "it did not end within 60 seconds"
    assert "SyntaxError" in told["verifying", "the verifier is exact"] and told["verifying", "answers got better"] == ""
    assert not any(why for (milestone, _), why in told.items() if milestone in ("tokenizer", "card"))
    lines = grade_lines(found, 40)
    assert all(len(line) <= 40 for line in lines) and "decoder 0/13" in lines


def test_mistakes_of_the_command_line(tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    assert "exists already" in error_of(capsys, "capstone", "start", tmp_path / "full")
    assert "small" in error_of(capsys, "capstone", "start", tmp_path / "new", "--size", "smal")
    assert "is no capstone project" in error_of(capsys, "capstone", "grade", tmp_path)
    assert run("capstone", "start", tmp_path / "new") == 0
    assert "did you mean 'decoder'" in error_of(capsys, "capstone", "grade", tmp_path / "new", "--only", "decodr")
    assert "tokenizer.py is not finished" in error_of(capsys, "capstone", "build", tmp_path / "new")
    (tmp_path / "new" / "capstone.json").write_text('{"step": 3}')
    assert "steps" in error_of(capsys, "capstone", "build", tmp_path / "new")
    (tmp_path / "short.txt").write_text("one\n\ntwo\n")
    assert "2 paragraphs" in error_of(capsys, "capstone", "start", tmp_path / "short", "--text", tmp_path / "short.txt")


def test_a_text_of_ones_own_is_cut_into_parts_that_do_not_overlap(tmp_path):
    text = "\n\n".join(f"paragraph {i} of this text" for i in range(200))
    parts = split_text(text)
    rows = {name: set(words.strip().split("\n\n")) for name, words in parts.items()}
    assert {name: len(r) for name, r in rows.items()} == {"train": 160, "held": 20, "control": 20}
    assert not rows["train"] & rows["held"] and not rows["held"] & rows["control"]
    (tmp_path / "own.txt").write_text(text)
    start_project(tmp_path / "own", text=tmp_path / "own.txt")
    assert not capstone_settings(tmp_path / "own").tales
    with pytest.raises(NotImplementedError): part(tmp_path / "own", "tokenizer").make_tokenizer("", 300)


def test_the_starter_is_the_solution_with_its_core_left_out():
    for name in MILESTONES:
        open_file, solved = milestone_file(name), milestone_file(name, solution=True)
        assert "raise NotImplementedError" in open_file and "raise NotImplementedError" not in solved
        assert "SOLUTION" not in open_file + solved and "Chapter:" not in open_file
        compile(open_file, name, "exec"), compile(solved, name, "exec")
