"""The stand-in for Colab: a chapter finds what its first cell installs, and nothing else."""
import os
import subprocess
import sys

from colab import hide_all_but, installed, interpreter
from conftest import ROOT


def imports(module, needs, folder):
    env = {**os.environ, **hide_all_but(needs, folder)}
    return subprocess.run([sys.executable, "-c", f"import {module}"], env=env, text=True, capture_output=True)


def test_what_is_not_installed_is_hidden(tmp_path):
    assert imports("anywidget", ["anywidget>=0.9"], tmp_path).returncode == 0
    assert imports("traitlets, torch, nbclient", [], tmp_path).returncode == 0          # nbclient and the wheel bring them
    for module in ("anywidget", "sentencepiece", "tokenizers"):
        done = imports(module, ["pytest"], tmp_path)
        assert done.returncode and f"No module named '{module}'" in done.stderr
    asked = "importlib.util; assert importlib.util.find_spec('anywidget') is None; assert importlib.util.find_spec('torch')"
    assert imports(asked, [], tmp_path).returncode == 0
    assert "PackageNotFound" in imports("importlib.metadata; importlib.metadata.version('anywidget')", [], tmp_path).stderr


def test_what_a_requirement_brings_is_there(tmp_path):
    assert imports("tokenizers, huggingface_hub", ["transformers>=4.44"], tmp_path).returncode == 0
    assert imports("fastapi, pydantic, starlette", ["fastapi"], tmp_path).returncode == 0


def test_the_first_cell_says_what_is_installed():
    assert installed(ROOT / "nbs" / "17_objectives.ipynb") == ["anywidget>=0.9", "pytest"]
    lines = (ROOT / "tests/site/colab.txt").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") or "==" in line for line in lines) and "2026" in lines[0]


def test_another_python_than_colabs_is_told_in_a_line(tmp_path):
    for version, words in (("3.11.2", "and Colab has 3.12"), ("3.12.9", "as Colab has")):
        fake = tmp_path / version
        fake.write_text(f"#!/bin/sh\necho {version}\n")
        fake.chmod(0o755)
        python, told = interpreter(str(fake))
        assert python == str(fake) and told.startswith(f"Python {version}") and words in told and "\n" not in told
