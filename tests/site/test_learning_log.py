"""`minillm progress`: what a learner has finished and measured, from the notebooks and runs in a folder."""
import json

import pytest
from commands import SMALL, error_of, run

from minillm.commands.progress import book_exercises, own_runs, passed_exercises, printed
from minillm.nbtools.exercise import all_exercises


def notebook(folder, name, *texts):
    """A notebook whose cells have printed these texts."""
    cells = [{"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": text}], "source": [],
              "metadata": {}, "execution_count": 1} for text in texts]
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return file


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A folder as it looks after a course: two notebooks and a run."""
    folder = tmp_path_factory.mktemp("course")
    notebook(folder, "09_attention.ipynb", "✓ attend_causal: right on all 4 cases\n", ["✓ hidden_entries:", " right\n"], "6\n")
    notebook(folder, "week 2/13.ipynb", "rms_norm: not solved yet\n", "✓ no_exercise_of_ours: right\n")
    notebook(folder, ".venv/x/11.ipynb", "✓ rotate_halves: right\n")
    notebook(folder, ".ipynb_checkpoints/11.ipynb", "✓ rotate_halves: right\n")
    (folder / "broken.ipynb").write_text("{not a notebook ✓ rotate_halves: right")
    assert run("prepare", "tales", "--stories", "40", "--tokenizer", "char", "--out", folder / "data") == 0
    assert run("train", "--data", folder / "data", "--out", folder / "run", *SMALL, "--max-steps", "4") == 0
    return folder


def test_the_exercises_are_those_of_the_book():
    found = {name: chapter for chapter, names in book_exercises().items() for name in names}
    assert found == {name: cells["chapter"] for name, cells in all_exercises().items()}


def test_an_exercise_counts_where_its_check_said_so(course):
    assert passed_exercises(course) == {"09_attention": ["hidden_entries", "attend_causal"]}
    assert printed(course / "broken.ipynb") == "" and printed(course / "nowhere.ipynb") == ""


def test_a_run_is_listed_with_its_loss(course):
    (found,) = own_runs(course)
    said = json.loads((course / "run/run.json").read_text())
    assert found["folder"] == "run" and found["final_val_loss"] == said["final_val_loss"] and found["steps"] == 4
    assert found["plot"] == (course / "run/loss.png").exists()


def test_the_report_holds_exercises_runs_and_samples(course, capsys):
    capsys.readouterr()
    assert run("progress", course, "--json") == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    text = (course / "progress.md").read_text()
    assert said["passed"] == {"09_attention": ["hidden_entries", "attend_causal"]}
    assert f"2 of {len(all_exercises())} exercises passed." in text and "| 09_attention | 2 of" in text
    assert f"{said['runs'][0]['final_val_loss']:.3f}" in text and "### `run`" in text
    assert said["samples"]["run"].startswith("Once upon a time") and "> Once upon a time" in text
    assert len(said["samples"]["run"]) > len("Once upon a time")
    assert run("progress", course, "--json") == 0                          # the same model, the same words
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["samples"] == said["samples"]


def test_a_prompt_that_the_model_cannot_read_is_told_of(course, capsys):
    assert run("progress", course, "--out", course / "other.md", "--prompt", "") == 0
    assert "> no sample: the prompt is empty" in (course / "other.md").read_text()
    assert "exercises passed: 2, runs: 1" in capsys.readouterr().out


def test_an_empty_folder_and_no_folder(tmp_path, capsys):
    assert run("progress", tmp_path, "--no-samples") == 0
    text = (tmp_path / "progress.md").read_text()
    assert "No notebook here shows a passed check yet" in text and "No run here yet" in text
    assert "is no folder" in error_of(capsys, "progress", tmp_path / "nowhere")
