"""Model cards at the command line: of a name, of a folder, and beside what `minillm export` writes."""
import hashlib
import json

from commands import SMALL, error_of, run

from minillm.checkpoint.card import CARD_SECTIONS, read_card


def test_card_of_the_shipped_model_has_every_section(capsys):
    assert run("card") == 0
    text = capsys.readouterr().out
    assert text.startswith("# storyteller\n")
    for heading in CARD_SECTIONS.values(): assert f"\n## {heading}\n" in text
    assert read_card(text)["measures"][0]["n"] == 2000


def test_card_as_json_and_into_a_file(tmp_path, capsys):
    assert run("card", "storyteller-soft", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["name"] == "storyteller-soft" and facts["measures"]
    assert run("card", "storyteller-soft", "--out", tmp_path / "card.md") == 0
    assert read_card((tmp_path / "card.md").read_text(encoding="utf-8"))["weights"] == facts["weights"]


def test_a_name_that_is_none_is_one_line(capsys):
    line = error_of(capsys, "card", "storyteler-soft")
    assert "did you mean" in line and "storyteller-soft" in line


def test_a_run_and_what_is_exported_from_it(tmp_path, capsys):
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog.\n" * 40)
    assert run("prepare", tmp_path / "text.txt", "--out", tmp_path / "data") == 0
    assert run("train", "--data", tmp_path / "data", "--out", tmp_path / "run", "--max-steps", 4, "--eval-every", 4, *SMALL) == 0
    capsys.readouterr()
    assert run("card", tmp_path / "run", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["recipe"]["steps"] == 4 and facts["data"]["tokenizer"] == "char" and "license" not in facts
    assert run("export", "--checkpoint", tmp_path / "run", "--out", tmp_path / "out") == 0
    card = read_card((tmp_path / "out" / "README.md").read_text(encoding="utf-8"))
    files = sorted((tmp_path / "out").glob("*.safetensors"))
    assert card["weights"]["sha256"] == hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()
    assert card["recipe"]["steps"] == 4 and "stale" not in card
