"""Each key of the configuration, changed when a run goes on: it takes effect, or one line refuses it."""
import dataclasses
import json
import shutil

import pytest
import torch
from commands import run
from safetensors.torch import load_file

from minillm.config import DataConfig, ModelConfig, TrainingConfig

TEXT = "the quick brown fox jumps over the lazy dog, and goes on and on.\n" * 60
SMALL = {"d_model": 16, "n_layers": 1, "n_heads": 2, "n_kv_heads": 2, "max_seq_len": 32, "seq_length": 16, "batch_size": 2,
         "warmup_steps": 4, "max_steps": 8, "save_every": 4, "eval_every": 4, "eval_batches": 2, "explode_factor": 0,
         "device": "cpu", "use_amp": "false"}

# what changes the numbers: another value, and what else has to be said with it
NUMBERS = {"batch_size": 3, "gradient_accumulation": 2, "learning_rate": 5e-3, "min_learning_rate": 5e-4, "weight_decay": 0.5,
           "beta1": 0.5, "beta2": 0.5, "warmup_steps": 7, "max_steps": 7, "gradient_clip": 0.01, "use_amp": "true",
           "label_smoothing": 0.3, "z_loss": 0.1, "schedule": "warmup_stable_decay"}
# what changes how it is computed or told, and how that is seen
QUIETLY = {"loss_chunk": 4, "recompute": "true", "fast": "true", "save_every": 3, "eval_every": 2, "eval_batches": 1, "patience": 5,
           "explode_factor": 5.0, "device": "auto"}
REFUSED = {"seed": 7, "optimizer": "muon", "muon_learning_rate": 0.5, "decay_share": 0.5, "amp_dtype": "float16", "seq_length": 8,
           "train_path": "{other}/train.bin", "val_path": "{other}/val.bin", "tokenizer_path": "{other}/tokenizer.json",
           "compile": None}


def flags(values): return [word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", value)]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    for name, text in (("data", TEXT), ("other", TEXT[::-1] + "XYZ")):
        (folder / f"{name}.txt").write_text(text)
        assert run("prepare", folder / f"{name}.txt", "--out", folder / name) == 0
    assert run("train", "--config", "laptop", "--data", folder / "data", "--out", folder / "run", *flags(SMALL | {"max_steps": 4})) == 0
    return folder


def resumed(work, out, given):
    shutil.copytree(work / "run", out)
    return run("train", "--resume", "--out", out, *flags({"max_steps": 8} | given))


def weights(out):
    last = json.loads((out / "last.json").read_text())["folder"]
    return torch.cat([t.flatten() for _, t in sorted(load_file(out / last / "model.safetensors").items())])


@pytest.fixture(scope="module")
def plain(work):
    assert resumed(work, work / "plain", {}) == 0
    return weights(work / "plain")


def test_every_key_is_in_the_table():
    training = {f.name for f in dataclasses.fields(TrainingConfig)} | {f.name for f in dataclasses.fields(DataConfig)}
    assert training == NUMBERS.keys() | QUIETLY.keys() | REFUSED.keys()


@pytest.mark.parametrize("key", NUMBERS)
def test_what_changes_the_numbers_does(work, plain, tmp_path, key):
    assert resumed(work, tmp_path / "r", {key: NUMBERS[key]}) == 0
    assert not torch.equal(weights(tmp_path / "r"), plain)
    saved = json.loads((tmp_path / "r" / "run.json").read_text())["training"]
    assert str(saved[key]).lower() == str(NUMBERS[key]).lower()


@pytest.mark.parametrize("key", QUIETLY)
def test_what_changes_how_it_is_done_is_taken(work, plain, tmp_path, key):
    assert resumed(work, tmp_path / "r", {key: QUIETLY[key]}) == 0
    assert torch.allclose(weights(tmp_path / "r"), plain, atol=1e-4)
    saved = json.loads((tmp_path / "r" / "run.json").read_text())["training"]
    assert str(saved[key]).lower() == str(QUIETLY[key]).lower()
    if key == "save_every": assert (tmp_path / "r" / "step-0000006").is_dir()
    if key == "eval_every":
        rows = (tmp_path / "r" / "log.csv").read_text().splitlines()
        assert sum("val_loss" in r or r.split(",")[rows[0].split(",").index("val_loss")] != "" for r in rows[5:]) >= 2


@pytest.mark.parametrize("key", [key for key, value in REFUSED.items() if value is not None])
def test_what_a_run_keeps_is_refused_by_name(work, tmp_path, capsys, key):
    value = str(REFUSED[key]).format(other=work / "other")
    capsys.readouterr()
    assert resumed(work, tmp_path / "r", {key: value}) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    named = {"train_path": "different tokenizers", "val_path": "different tokenizers"}.get(key, key)
    assert error.startswith("error:") and named in error.replace("-", "_"), error


OTHER = {"vocab_size": 400, "qkv_bias": "true", "norm_type": "layernorm", "attention_type": "latent", "pos_encoding": "learned",
         "ffn_type": "gelu", "n_kv_heads": 1, "head_dim": 4, "max_seq_len": 64, "norm_position": "post", "rope_scaling": "linear",
         "d_model": 32}


def other_value(key):
    if key.name in OTHER: return OTHER[key.name]
    value = key.default
    if isinstance(value, bool): return str(not value).lower()
    if isinstance(value, int): return value * 2 + 2
    if isinstance(value, float): return value * 2 + 0.25
    return 4 if value is None else "L" if key.name == "layer_pattern" else "other"


@pytest.mark.parametrize("key", dataclasses.fields(ModelConfig), ids=lambda key: key.name)
def test_the_model_stays_the_models(work, tmp_path, capsys, key):
    capsys.readouterr()
    assert resumed(work, tmp_path / "r", {key.name: other_value(key)}) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error:") and "Traceback" not in error, error
    words = error.replace("-", "_")
    assert key.name in words or any(name in words for name in ("layer_pattern", "use_moe", "attention_type")), error
