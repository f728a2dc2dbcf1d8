"""The wheel in an empty environment: it imports, trains and writes, and chapters run with nothing but it (as in Colab)."""
import json
import shutil
import subprocess

import pytest
from conftest import ROOT, clean_home

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
NotebookClient(nb, timeout=600, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
print(len(nb.cells), "cells ran")
"""


def run(command, cwd, **options):
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=clean_home(cwd), text=True, capture_output=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_import_is_light(wheel_env, tmp_path):
    heavy = "{'anywidget', 'IPython', 'matplotlib', 'transformers', 'datasets', 'torch'}"
    out = run([wheel_env, "-c", f"import sys, minillm; print(minillm.__file__, {heavy} & set(sys.modules))"], tmp_path)
    assert str(ROOT) not in out and "set()" in out


def test_wheel_verifies_trains_and_writes(wheel_env, tmp_path):
    minillm = wheel_env.parent / "minillm"
    run([minillm, "verify"], tmp_path)
    run([minillm, "prepare", "tales", "--stories", "300", "--tokenizer", "char", "--out", "data"], tmp_path)
    out = run([minillm, "train", "--config", "laptop", "--data", "data", "--out", "run", "--max-steps", "30", "--batch-size", "4",
               "--d-model", "32", "--n-layers", "2", "--n-heads", "2", "--seq-length", "32", "--eval-every", "15", "--json"],
              tmp_path)
    result = json.loads(out.strip().splitlines()[-1])
    assert result["steps"] == 30
    for name in ("log.csv", "loss.png", "run.json"): assert (tmp_path / "run" / name).stat().st_size > 0
    text = run([minillm, "generate", "Once upon a time", "--checkpoint", "run", "--max-tokens", "20", "--seed", "1"], tmp_path)
    assert text.startswith("Once upon a time") and len(text.strip()) > len("Once upon a time")


def test_wheel_tells_a_story_without_a_run(wheel_env, tmp_path):
    story = run([wheel_env.parent / "minillm", "generate", "Once upon a time", "--seed", "1"], tmp_path)
    assert story.startswith("Once upon a time") and len(story.split()) > 60
    folder = run([wheel_env, "-c", "from minillm.checkpoint.shipped import shipped_model; print(shipped_model())"], tmp_path)
    assert str(ROOT) not in folder


@pytest.mark.parametrize("chapter", ["00_setup", "09_attention"])
def test_chapter_runs_in_an_empty_folder(wheel_env, tmp_path, chapter):
    shutil.copy(ROOT / "nbs" / f"{chapter}.ipynb", tmp_path)
    assert "cells ran" in run([wheel_env, "-c", EXECUTE, f"{chapter}.ipynb"], tmp_path)
