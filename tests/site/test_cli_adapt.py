"""The commands that adapt and use a model: finetune by each method, quantize, serve, evaluate."""
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from commands import NARROW, error_of, run

TEXT = "the quick brown fox jumps over the lazy dog, and 12+34=46, 5+0=5 sums go on.\n" * 60
ROWS = {"sft": {"prompt": "the {} ", "completion": "sleeps.\n"}, "lora": {"prompt": "the {} ", "completion": "sleeps.\n"},
        "qlora": {"prompt": "the {} ", "completion": "sleeps.\n"},
        "dpo": {"prompt": "the {} ", "chosen": "sleeps.\n", "rejected": "goes.\n"},
        "ppo": {"prompt": "the {} ", "chosen": "sleeps.\n", "rejected": "goes.\n"},
        "grpo": {"prompt": "{}=", "answer": "4\n"}}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    "A folder with a small run, and data for each method."
    folder = tmp_path_factory.mktemp("adapt")
    (folder / "text.txt").write_text(TEXT)
    assert run("prepare", folder / "text.txt", "--out", folder / "data") == 0
    assert run("train", "--config", "laptop", "--data", folder / "data", "--out", folder / "run", "--max-steps", 20, "--eval-every", 20,
               *NARROW, "--d-model", 32, "--max-seq-len", 64) == 0
    assert run("prepare", folder / "text.txt", "--out", folder / "pairs", "--tokenizer", "bpe", "--vocab-size", 300) == 0
    assert run("train", "--config", "llama", "--data", folder / "pairs", "--out", folder / "bpe", "--max-steps", 20, "--eval-every", 20,
               *NARROW, "--d-model", 32, "--n-kv-heads", 2, "--max-seq-len", 64) == 0
    for method, row in ROWS.items():
        words = ("2+2", "1+3", "3+1", "4+0") if method == "grpo" else ("fox", "dog", "lazy fox", "brown dog")
        lines = [json.dumps({key: text.format(word) for key, text in row.items()}) for word in words]
        (folder / f"{method}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("method", ROWS)
def test_each_method_leaves_a_folder_that_writes(work, method, capsys):
    own = {"dpo": [], "grpo": ["--samples", 2], "ppo": ["--seq-length", 48, "--samples", 2]}
    more = ["--steps", 6, "--batch-size", 2, *own.get(method, ["--seq-length", 48])]
    assert run("finetune", "--checkpoint", work / "run", "--method", method, "--data", work / f"{method}.jsonl", "--out", work / method, *more,
               "--json") == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["method"] == method
    assert run("generate", "the ", "--checkpoint", work / method, "--max-tokens", 5, "--json") == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["tokens"] == 5


def test_fine_tuning_learns_what_it_is_shown(work, capsys):
    assert run("finetune", "--checkpoint", work / "run", "--data", work / "sft.jsonl", "--out", work / "sleeps", "--steps", 80, "--batch-size", 4,
               "--learning-rate", 1e-2, "--seq-length", 48) == 0
    capsys.readouterr()
    assert run("generate", "the dog ", "--checkpoint", work / "sleeps", "--max-tokens", 7, "--temperature", 0, "--json") == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["text"] == "the dog sleeps."


def test_chats_bring_their_template_along(work):
    rows = [{"messages": [{"role": "user", "content": f"the {w}"}, {"role": "assistant", "content": "sleeps"}]} for w in ("fox", "dog", "quick", "lazy")]
    (work / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("finetune", "--checkpoint", work / "bpe", "--data", work / "chats.jsonl", "--out", work / "talker", "--steps", 80, "--batch-size", 4,
               "--learning-rate", 1e-2, "--seq-length", 48) == 0
    done = subprocess.run([sys.executable, "-m", "minillm", "chat", "--checkpoint", work / "talker", "--temperature", "0", "--max-tokens", "12"],
                          input="the dog\n/exit\n", capture_output=True, text=True, timeout=120)
    assert done.stdout == "sleeps\n" and "Traceback" not in done.stderr, done     # and it stopped by itself


def test_quantized_folders_write_and_are_measured(work, capsys):
    for scheme in ("int8", "nf4"):
        assert run("quantize", "--checkpoint", work / "run", "--out", work / scheme, "--scheme", scheme) == 0
        capsys.readouterr()
        assert run("generate", "the ", "--checkpoint", work / scheme, "--max-tokens", 5, "--json") == 0
        assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["tokens"] == 5
    (work / "task.jsonl").write_text("".join(json.dumps({"context": "the quick brown ", "choices": ["fox", "xof"], "answer": 0}) + "\n" for _ in range(4)))
    assert run("evaluate", "--checkpoint", work / "int8", "--task", work / "task.jsonl", "--json") == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert found["figures"] and all(f["low"] <= f["value"] <= f["high"] for f in found["figures"])


def test_gguf_is_read_back(work):
    gguf = pytest.importorskip("gguf")
    assert run("quantize", "--checkpoint", work / "bpe", "--out", work / "model.gguf", "--scheme", "f16") == 0
    assert len(gguf.GGUFReader(work / "model.gguf").tensors) > 5


def test_serve_answers_and_ends_well(work):
    process = subprocess.Popen([sys.executable, "-m", "minillm", "serve", "--checkpoint", work / "run", "--port", "0"],
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "MINILLM_API_KEY": "secret"})
    try:
        line = process.stderr.readline()
        assert "http://127.0.0.1:" in line, line + process.stderr.read()
        url = line.split(" at ")[1].split(";")[0] + "/completions"
        body = json.dumps({"model": "run", "prompt": "the ", "max_tokens": 5}).encode()
        head = {"Content-Type": "application/json"}
        with pytest.raises(urllib.error.HTTPError, match="401"): urllib.request.urlopen(urllib.request.Request(url, body, head), timeout=60)
        with urllib.request.urlopen(urllib.request.Request(url, body, {**head, "Authorization": "Bearer secret"}), timeout=60) as answer:
            assert json.load(answer)["usage"]["completion_tokens"] == 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally: process.kill()


WRONG = {"method": (["finetune", "--method", "rlhf", "--data", "d", "--out", "o"], "rlhf"),
         "data": (["finetune", "--data", "{work}/none.jsonl", "--out", "{work}/o"], "none.jsonl"),
         "rows": (["finetune", "--method", "dpo", "--checkpoint", "{work}/run", "--data", "{work}/sft.jsonl", "--out", "{work}/o"], "chosen"),
         "rate": (["finetune", "--data", "{work}/sft.jsonl", "--out", "{work}/o", "--learning-rate", "0"], "learning_rate"),
         "target": (["finetune", "--method", "lora", "--checkpoint", "{work}/run", "--data", "{work}/lora.jsonl", "--out", "{work}/o",
                     "--targets", "q_proj"], "W_q"),
         "scheme": (["quantize", "--out", "{work}/o", "--scheme", "int5"], "int5"),
         "calibration": (["quantize", "--out", "{work}/o", "--scheme", "int4", "--method", "gptq"], "--text FILE"),
         "twice": (["quantize", "--checkpoint", "{work}/int8", "--out", "{work}/o"], "quantized already"),
         "task": (["evaluate", "--task", "tales_endings"], "tales_ending"),
         "few": (["evaluate", "--n", "1"], "n=1"),
         "folder": (["serve", "--checkpoint", "{work}/nowhere"], "nowhere"),
         "rows at a time": (["serve", "--rows", "0"], "rows=0")}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_gets_one_line(work, capsys, name):
    arguments, named = WRONG[name]
    if name == "twice" and not (work / "int8").exists():
        assert run("quantize", "--checkpoint", work / "run", "--out", work / "int8") == 0
    assert named in error_of(capsys, *(a.format(work=work) for a in arguments))
    assert not (work / "o").exists()                       # and nothing is left behind
