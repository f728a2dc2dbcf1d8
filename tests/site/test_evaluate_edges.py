"""`minillm evaluate` at the edges of what a file of examples may hold: measured rightly, or one line that names the example."""
import json

import pytest
import torch
from commands import error_of, run

from minillm.checkpoint.huggingface import export_pretrained
from minillm.config import ModelConfig
from minillm.models.decoder import Decoder
from minillm.tokenizer.bpe import BPETokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate") / "m"
    tokenizer = BPETokenizer.train("two and two are four. " * 20, 280, ["<|endoftext|>"])
    torch.manual_seed(0)
    export_pretrained(Decoder(ModelConfig(tokenizer.vocab_size, 16, 1, 32, n_heads=2)), folder, tokenizer)
    return folder


def rows(folder, *given):
    file = folder / "t.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in given))
    return file


def measured(capsys, model, file, *flags):
    capsys.readouterr()
    assert run("evaluate", "--pretrained", model, "--task", file, "--json", *flags) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


GOOD = {"context": "2+2=", "choices": ["3", "4"], "answer": 1}


def test_an_answer_in_any_form_means_the_same(tmp_path, capsys, model):
    found = []
    for given in ({}, {"answer": "B"}, {"answer": "b"}, {"answer": "4"}, {"choices": [3, 4], "answer": 1},
                  {"choices": [3, 4], "answer": "4"}):
        file = rows(tmp_path, GOOD | given, GOOD | given)
        found.append([(f["figure"], f["value"]) for f in measured(capsys, model, file)["figures"]])
    assert all(one == found[0] for one in found)
    word = [measured(capsys, model, rows(tmp_path, *[{"context": "2+2=", "answer": a}] * 2))["figures"] for a in (4, "4")]
    assert word[0] == word[1]


@pytest.mark.parametrize("bad, message", [
    ({"text": ""}, "its text is empty"), ({"text": " \n"}, "its text is empty"), ({"text": None}, "an example is"),
    (GOOD | {"choices": ["3", ""]}, "choice 1 is empty"), (GOOD | {"choices": ["4"], "answer": 0}, "one choice is always right"),
    (GOOD | {"choices": []}, "one choice is always right"), (GOOD | {"answer": 2}, "an example is"),
    (GOOD | {"answer": -1}, "an example is"), (GOOD | {"answer": "5"}, "is none of the choices"),
    (GOOD | {"answer": True}, "is none of the choices"), (GOOD | {"answer": None}, "is none of the choices"),
    (GOOD | {"choices": "34"}, "an example is"), ({"context": "2+2=", "answer": ""}, "its answer is empty"),
    ({"context": 4, "answer": "4"}, "an example is"), ([1], "an example is")])
def test_what_cannot_be_measured_is_named(tmp_path, capsys, model, bad, message):
    error = error_of(capsys, "evaluate", "--pretrained", model, "--task", rows(tmp_path, bad, bad))
    assert message in error and "t.jsonl, line 1" in error


def test_lengths_beyond_the_window(tmp_path, capsys, model):
    long = "two and two are four. " * 60
    for row in ({"text": long}, GOOD | {"context": long}, {"context": long, "answer": "four"}):
        assert all(f["n"] == 2 for f in measured(capsys, model, rows(tmp_path, row, row))["figures"])
    for row, message in ((GOOD | {"choices": ["3", long]}, "shorten it"), ({"context": "a", "answer": long}, "shorten it")):
        assert message in error_of(capsys, "evaluate", "--pretrained", model, "--task", rows(tmp_path, row, row))


def test_rows_left_out_are_counted(tmp_path, capsys, model):
    file = rows(tmp_path, *[GOOD] * 7)
    found = measured(capsys, model, file, "--n", 3)
    assert found["left_out"] == {str(file): 4} and {f["n"] for f in found["figures"]} == {3}
    assert run("evaluate", "--pretrained", model, "--task", file, "--n", 3) == 0
    assert "its first 3 examples, 4 more left out; --n takes more" in capsys.readouterr().out
    assert measured(capsys, model, file)["left_out"] == {}


def test_until_and_the_number_of_tokens():
    pytest.importorskip("lm_eval")
    from minillm.evaluation.harness import before_stops, most_tokens, stop_texts
    assert [stop_texts({"until": u}) for u in ("Q:", ["Q:", "\n"], ("Q:",), None, [], "")] == [["Q:"], ["Q:", "\n"], ["Q:"], [], [], []]
    assert stop_texts({}) == [] and before_stops("4 Q: 5", ["Q:"]) == "4 "
    assert [most_tokens({name: 3}) for name in ("max_gen_toks", "max_new_tokens", "max_tokens")] == [3, 3, 3]
    for bad in ({"until": 3}, {"until": [3]}):
        with pytest.raises(ValueError, match="give a text or a list"): stop_texts(bad)
    for bad in ({"max_gen_toks": 3, "max_new_tokens": 4}, {"max_tokens": -1}):
        with pytest.raises(ValueError, match="one number of tokens"): most_tokens(bad)
