"""The life of a model: what the table of chapter 86, which each build makes, does not hold."""

import json
import subprocess
import sys

import pytest

from minillm.checkpoint.open import open_model
from minillm.nbtools.lives import METHOD_ROWS, chat_run, metaspace, published, same_life, tuned


@pytest.mark.parametrize("method", METHOD_ROWS)
def test_a_checkpoint_inside_of_a_tuned_folder_opens_as_the_folder(method, tmp_path):
    out = tuned(method, tmp_path / "tuned", chat_run(tmp_path / "run"))
    step = next(out.glob("step-*"))
    same_life(open_model(out), open_model(step), 1e-6)


def test_adapters_of_adapters(tmp_path):
    "Tuned by LoRA from a folder that is an adapter itself; each adapter names its base."
    path = chat_run(tmp_path / "run")
    for name in ("first", "second"):
        path = tuned("lora", tmp_path / name, path) / "adapter"
    same_life(open_model(path.parent), open_model(path), 1e-5)


def test_a_text_ends_and_commands_agree(tmp_path):
    """The packaged commands themselves, once: the end token of a folder ends a text."""
    folder = published(metaspace(), tmp_path / "folder")
    done = subprocess.run(
        [sys.executable, "-m", "minillm", "generate", "Once", "--max-tokens", "5", "--json",
         "--checkpoint", str(folder), "--device", "cpu"],
        capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["texts"]
