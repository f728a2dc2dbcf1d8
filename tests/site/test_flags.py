"""A flag takes effect: each flag of each command, taken from the parsers, changes what the command asks of the library, or what
it prints. What it does there is proved by the tests of the library; what would have no effect is refused (`IDLE` in test_cli)."""
import contextlib
import importlib
import io
import re
from types import SimpleNamespace

import pytest
from typer.main import get_command

from minillm.cli import app, main
from minillm.tokenizer.text_format import TextFormat

# `capstone` is three commands; tests/site/test_capstone.py walks them
COMMANDS = {name: command for name, command in get_command(app).commands.items() if name != "capstone"}
META = {"train_tokens": 1, "val_tokens": 1, "vocab_size": 2, "tokenizer": "char", "documents": 1, "bytes": 1, "steps": 1,
        "final_val_loss": 1.0, "bytes_before": 1}


def voice():
    return SimpleNamespace(encode=lambda text: [1], source="s", kind="run", path=None, tokenizer=None, has_template=False,
                           text_format=TextFormat(), architecture="A", stop_ids=[0],
                           model=SimpleNamespace(config=SimpleNamespace(max_seq_len=64), num_parameters=lambda: 1))


def trainer():
    return SimpleNamespace(strategy=SimpleNamespace(is_main=True, ranks=1), model=voice().model, device="cpu", train_tokens=[1])


def settings():
    return SimpleNamespace(data=SimpleNamespace(train_path="a.bin"), model=SimpleNamespace(vocab_size=2),
                           training=SimpleNamespace(max_steps=1))


def runner(against=None, text=None, rounds=None, quick=None, out=None): return {"given": str((against, text, rounds, quick, out))}


# the function that does a command's work, and what it gives back; all their calls are compared
WORK = {
    "prepare": {"data.sources:prepare": lambda: dict(META)}, "download": {"data.download:download": lambda: dict(META)},
    "train": {"commands.train:run_config": settings, "commands.train:vocabulary_asked": bool, "commands.train:make_trainer": trainer,
              "commands.train:fit": lambda: dict(META), "commands.train:plan_for_data": lambda: (settings(), [])},
    "generate": {"commands.generate:opened": voice, "commands.screen:tokens_of": lambda: iter(()),
                 "commands.screen:best_texts": lambda: iter(()), "commands.screen:endless_text": lambda: iter(()),
                 "decoding.batch:grow_texts": lambda: iter(())},
    "chat": {"commands.generate:opened": voice, "commands.screen:Chat": object, "commands.screen:talk": object},
    "export": {"commands.generate:opened": voice, "checkpoint.huggingface:export_pretrained": voice},
    "card": {"studies.cards:card_facts": lambda: {"name": "m"}, "checkpoint.card:card_text": lambda: "A card\n"},
    "finetune": {"commands.finetune:opened": voice, "adapt.sft:finetune_sft": dict, "adapt.lora:finetune_lora": dict,
                 "adapt.dpo:finetune_dpo": dict, "adapt.grpo:finetune_grpo": dict},
    "quantize": {"commands.finetune:opened": voice, "checkpoint.quantized:write_quantized": lambda: dict(META),
                 "checkpoint.open:weight_bytes": lambda: 1},
    "serve": {"commands.serve:opened": voice, "serve.app:serve": object},
    "evaluate": {"commands.serve:opened": voice, "evaluation.run:evaluate_folder": dict},
    "study": {"studies.catalog:run_studies": dict, "studies.catalog:study_rows": list, "commands.study:study_card": object},
    "ablate": {"studies.ablations:run_ablations": dict}, "verify": {"device:verify": list},
    "benchmark": {"studies:suite": lambda: runner},
    "progress": {"commands.progress:passed_exercises": dict, "commands.progress:run_lines": list, "commands.progress:own_runs":
                 lambda: [{"folder": "r"}], "commands.progress:write_sample": str},
    "configs": {}, "presets": {}, "config": {}}
# what a command needs at least, and what a flag needs beside it
BASE = {"prepare": "owner/set --out o", "download": "tinystories", "generate": "Once", "export": "--out o", "ablate": "rope",
        "finetune": "--data d.jsonl --out o", "quantize": "--out q", "benchmark": "moe", "progress": "."}
BESIDE = {("prepare", "ties"): "--tokenizer bpe", ("prepare", "stories"): "PROMPT tales --out o", ("generate", "length_penalty"): "--beams 3",
          ("prepare", "document_separator"): "PROMPT . --out o", ("generate", "draft_tokens"): "--draft d",
          ("finetune", "rank"): "--method lora", ("finetune", "alpha"): "--method lora", ("finetune", "targets"): "--method lora",
          ("finetune", "beta"): "--method dpo", ("finetune", "samples"): "--method grpo", ("finetune", "kl"): "--method grpo",
          ("quantize", "text"): "--method awq", ("quantize", "method"): "--text t.txt", ("generate", "prompt_flag"): "PROMPT",
          ("study", "text"): "PROMPT shakespeare", ("study", "run"): "PROMPT storyteller", ("study", "jobs"): "--stale",
          ("study", "minutes"): "PROMPT gpu", ("evaluate", "stride"): "--task tales_text", ("progress", "prompt"): "--samples"}
# 7 is a number, a name, and a path; these flags are asked for something else
VALUES = {("prepare", "ties"): "huggingface", ("prepare", "tokenizer"): "bpe", ("finetune", "method"): "grpo",
          ("quantize", "method"): "gptq", ("quantize", "scheme"): "nf4", ("study", "text"): "t.txt", ("generate", "top_p"): "0.5",
          ("generate", "min_p"): "0.5", ("chat", "top_p"): "0.5", ("chat", "min_p"): "0.5"}


def called(monkeypatch, command, line):
    "What a command asks of the library, and what it prints."
    calls = []

    def patched(name, give):
        def work(*args, **kwargs):
            calls.append((name, repr([a for a in args if not callable(a)]), repr({k: v for k, v in kwargs.items() if not callable(v)})))
            return give()
        return work
    with monkeypatch.context() as patch:
        for place, give in WORK[command].items():
            module, name = place.split(":")
            patch.setattr(importlib.import_module(f"minillm.{module}"), name, patched(name, give))
        said, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(error), pytest.raises(SystemExit) as ended:
            main([command, *line])
    return ended.value.code, re.sub(r" at 0x[0-9a-f]+", "", repr(calls)), said.getvalue(), error.getvalue()


FLAGS = [(name, option) for name, command in COMMANDS.items() for option in command.params
         if option.name != "help" and option.opts[0].startswith("--")]


def test_every_command_is_here(): assert WORK.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command, option", FLAGS, ids=[f"{name} {option.opts[0]}" for name, option in FLAGS])
def test_a_flag_changes_what_is_done(tmp_path, monkeypatch, command, option):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_text("a text")
    beside = BESIDE.get((command, option.name), "")
    base = [] if beside.startswith("PROMPT") else BASE.get(command, "").split()
    line = [*base, *beside.removeprefix("PROMPT").split()]
    flag = option.opts[0]
    if option.name == "as_json" or getattr(option, "is_flag", False):
        given = [option.secondary_opts[0]] if option.secondary_opts else [flag]
    else: given = [flag, VALUES.get((command, option.name), "7")]
    without = [*line]
    if flag in line: del line[(at := line.index(flag)):at + 2]        # it has to be given: here with another value
    code, *made = called(monkeypatch, command, [*line, *given])
    assert not code, made
    assert made != called(monkeypatch, command, without)[1:], flag
