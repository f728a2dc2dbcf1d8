"""The command line: the way from a text to a text, each mistake in one clear line, and runs that survive a kill."""
import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from commands import SMALL, error_of, run

TEXT = "the quick brown fox jumps over the lazy dog, and the dog sleeps on. " * 60


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    "A folder with a text, its data and a trained run."
    folder = tmp_path_factory.mktemp("cli")
    (folder / "text.txt").write_text(TEXT)
    assert run("prepare", folder / "text.txt", "--out", folder / "data") == 0
    assert run("train", "--config", "laptop", "--data", folder / "data", "--out", folder / "run", "--max-steps", 20, "--eval-every", 10, *SMALL) == 0
    return folder


def test_the_whole_way(work, capsys):
    assert {"log.csv", "loss.png", "run.json", "config.json", "tokenizer.json"} <= {p.name for p in (work / "run").iterdir()}
    record = json.loads((work / "run" / "run.json").read_text())
    assert record["steps"] == 20 and record["unit"] == "nats per token" and record["best_val_loss"] > 0
    for arguments in (["the quick"], ["--prompt", "the quick"]):
        capsys.readouterr()
        assert run("generate", *arguments, "--checkpoint", work / "run", "--max-tokens", 12, "--seed", 3) == 0
        assert capsys.readouterr().out.startswith("the quick")


@pytest.mark.parametrize("kind", ["char", "word", "bpe", "sentencepiece"])
def test_every_tokenizer_prepares_trains_and_writes(work, tmp_path, capsys, kind):
    size = [] if kind == "char" else ["--vocab-size", "300"]
    assert run("prepare", work / "text.txt", "--tokenizer", kind, *size, "--out", tmp_path / "d", "--json") == 0
    meta = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert meta["tokenizer"] == kind and meta["train_tokens"] > 17
    assert run("train", "--data", tmp_path / "d", "--out", tmp_path / "r", "--max-steps", 4, *SMALL, "--json") == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["steps"] == 4
    assert run("generate", "the dog", "--checkpoint", tmp_path / "r", "--max-tokens", 5, "--seed", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["text"].startswith("the dog")


def test_same_seed_same_text_and_zero_is_greedy(work, capsys):
    def text(*more):
        capsys.readouterr()
        run("generate", "the ", "--checkpoint", work / "run", "--max-tokens", 30, "--json", *more)
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1])["text"]
    assert text("--seed", 1) == text("--seed", 1) != text("--seed", 2)
    assert text("--temperature", 0, "--seed", 1) == text("--temperature", 0, "--seed", 2)
    assert len(text("--max-tokens", 400, "--top-k", 3, "--top-p", 0.9)) == 404          # past the context too


def test_tales_carry_their_floor(tmp_path, capsys):
    assert run("prepare", "tales", "--stories", 30, "--out", tmp_path / "d", "--json") == 0
    meta = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert meta["source"] == "tales" and 0.05 < meta["floor_nats_per_token"] < 0.2
    assert run("train", "--data", tmp_path / "d", "--out", tmp_path / "r", "--max-steps", 2, *SMALL) == 0


def test_bom_and_crlf_are_read_as_text(tmp_path, capsys):
    (tmp_path / "windows.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.replace(". ", ".\r\n").encode())
    assert run("prepare", tmp_path / "windows.txt", "--out", tmp_path / "d") == 0
    chars = json.loads((tmp_path / "d" / "tokenizer.json").read_text())["chars"]
    assert "\r" not in chars and "\ufeff" not in chars and "\n" in chars


def test_mistakes_of_prepare(work, tmp_path, capsys):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "latin.txt").write_bytes("Straße".encode("latin-1") * 30)
    for arguments, message in (
            ((tmp_path / "none.txt",), "none.txt"), ((tmp_path / "empty.txt",), "empty"), ((tmp_path / "latin.txt",), "UTF-8"),
            ((work / "text.txt", "--tokenizer", "bpee"), "bpe")):
        assert message in error_of(capsys, "prepare", *arguments, "--out", tmp_path / "d"), arguments
    assert "exists already" in error_of(capsys, "prepare", work / "text.txt", "--out", work / "data")
    assert "--out" in error_of(capsys, "prepare", work / "text.txt")


def test_mistakes_of_train(work, tmp_path, capsys):
    new = ["--out", tmp_path / "r"]
    (tmp_path / "c.yaml").write_text("training:\n  learning_rate: 3e-4\n  max_step: 5\n")
    for arguments, message in (
            (["--max-step", 5], "did you mean 'max_steps'"), (["--learning-rate", "fast"], "learning_rate='fast'"),
            (["--n-heads", 3], "n_heads=3"), (["--seq-length", 100_000, "--max-seq-len", 100_000], "too short"),
            (["--config", "smal"], "'small'"), (["--config", tmp_path / "c.yaml"], "did you mean 'max_steps'"),
            (["--device", "cuda"], "CUDA"), (["oops"], "'oops' is no flag")):
        assert message in error_of(capsys, "train", "--data", work / "data", *new, *arguments), arguments
    assert "does not exist" in error_of(capsys, "train", "--data", tmp_path / "nowhere", *new)
    assert "no data" in error_of(capsys, "train", *new)
    assert "--resume" in error_of(capsys, "train", "--data", work / "data", "--out", work / "run")
    assert "no run to resume" in error_of(capsys, "train", "--resume", *new)
    assert "another config" in error_of(capsys, "train", "--resume", "--out", work / "run", "--d-model", 32, "--max-steps", 30)


def test_mistakes_of_generate(work, tmp_path, capsys):
    there = ["--checkpoint", work / "run"]
    for arguments, message in (
            (["x" * 400], "context of 256"), (["Ω"], "'Ω'"), ([""], "empty"), (["the", "--temperature", -1], "temperature=-1"),
            (["the", "--top-p", 1.5], "top_p=1.5"), (["the", "--top-k", 0], "top_k=0"), (["the", "--max-tokens", 0], "max_tokens=0"),
            (["the", "--device", "cuda"], "CUDA"), (["the", "--tempera", 1], "--tempera")):
        assert message in error_of(capsys, "generate", *arguments, *there), arguments
    assert "does not exist" in error_of(capsys, "generate", "the", "--checkpoint", tmp_path / "nowhere")


def test_a_broken_checkpoint_is_named(work, tmp_path, capsys):
    import shutil
    shutil.copytree(work / "run", tmp_path / "r")
    newest = sorted((tmp_path / "r").glob("step-*"))[-1] / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:100])
    assert "damaged" in error_of(capsys, "generate", "the", "--checkpoint", tmp_path / "r")


def test_verify_and_version(capsys):
    assert run("verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert run("verify") == 0 and "all is well" in capsys.readouterr().out
    assert run("--version") == 0 and capsys.readouterr().out.startswith("minillm ")


def losses(folder):
    with open(folder / "log.csv", newline="") as file: return [(r["step"], r["loss"], r["val_loss"]) for r in csv.DictReader(file)]


LONG = ["--max-steps", "120", "--save-every", "10", "--eval-every", "40", "--dropout", "0.1", *SMALL]
QUIET = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def unbroken(work):
    "The losses of a run that nothing disturbs."
    subprocess.run([sys.executable, "-m", "minillm", "train", "--data", str(work / "data"), *LONG, "--out", str(work / "whole")],
                   check=True, capture_output=True, env=QUIET)
    return losses(work / "whole")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_to_the_same_losses(work, unbroken, tmp_path, how):
    command = [sys.executable, "-m", "minillm", "train", "--data", str(work / "data"), *LONG]
    broken = subprocess.Popen([*command, "--out", str(tmp_path / "broken")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUIET)
    log, deadline = tmp_path / "broken" / "log.csv", time.time() + 60
    while time.time() < deadline and not (log.exists() and log.read_text().count("\n") > 35): time.sleep(0.01)
    broken.send_signal(how)
    _, err = broken.communicate()
    assert broken.returncode == (-how if how == signal.SIGKILL else 130), err
    if how == signal.SIGINT: assert "go on with: minillm train --resume" in err and "Traceback" not in err
    resume = [sys.executable, "-m", "minillm", "train", "--resume", "--out", str(tmp_path / "broken")]
    subprocess.run(resume, check=True, capture_output=True, env=QUIET)
    assert losses(tmp_path / "broken") == unbroken


def test_presets(capsys):
    assert run("presets", "--json") == 0
    rows = {r["name"]: r for r in json.loads(capsys.readouterr().out.splitlines()[-1])["presets"]}
    assert rows["gpt2"]["parameters"] == 124_439_808 and rows["mixtral-8x7b"]["parent"] == "mistral-7b"
    assert rows["mixtral-8x7b"]["changes"]["num_experts"] == 8
    assert run("presets") == 0 and "gemma3-270m" in capsys.readouterr().out


def test_export_is_what_transformers_opens(work, tmp_path, capsys):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    out = tmp_path / "exported"
    assert run("export", "--checkpoint", work / "run", "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["architecture"] == "LlamaForCausalLM"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    ids = torch.tensor([tokenizer("the quick").input_ids])
    theirs = model.generate(ids, max_new_tokens=20, do_sample=False, pad_token_id=0)[0]
    want = tokenizer.decode(theirs, clean_up_tokenization_spaces=False)
    for flag in ("--pretrained", "--checkpoint"):
        assert run("generate", "the quick", flag, out, "--max-tokens", 20, "--temperature", 0, "--json") == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["text"] == want
    for flag in ("--pretrained", "--checkpoint"):                          # and a run by either name
        assert run("generate", "the quick", flag, work / "run", "--max-tokens", 20, "--temperature", 0, "--json") == 0
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["text"] == want
    assert "exists already" in error_of(capsys, "export", "--checkpoint", work / "run", "--out", out)
    (out / "tokenizer.json").unlink()
    assert "no tokenizer.json" in error_of(capsys, "generate", "x", "--pretrained", out)
    assert "neither a folder" in error_of(capsys, "generate", "x", "--pretrained", tmp_path / "nowhere")


def test_a_pretrained_folder_writes_as_transformers_does(tmp_path, capsys):
    """A Llama with a byte-pair tokenizer that begins each text with a special token, and ends at another."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from tokenizers import decoders
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    inner.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    inner.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, bos_token_id=0, eos_token_id=1)).eval()
    with torch.no_grad():
        for p in model.parameters(): p.add_(0.2 * torch.randn_like(p))
    model.save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    ids = tokenizer("the quick brown", return_tensors="pt").input_ids
    assert ids[0, 0] == 0
    new = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False,
                         pad_token_id=0)[0, ids.shape[1]:].tolist()
    new = new[:new.index(1)] if 1 in new else new
    assert run("generate", "the quick brown", "--pretrained", tmp_path / "m", "--max-tokens", 24, "--temperature", 0,
               "--json") == 0
    got = json.loads(capsys.readouterr().out.splitlines()[-1])["text"]
    assert got == "the quick brown" + tokenizer.decode(new)


def test_ablate_writes_its_record(tmp_path, capsys):
    assert run("ablate", "rope", "--seeds", 2, "--steps", 20, "--out", tmp_path, "--json") == 0
    made = json.loads(capsys.readouterr().out.splitlines()[-1])["ablations"]["rope"]
    record = json.loads((tmp_path / "ablate_rope.json").read_text())
    assert record["metrics"] == made and len(made["baseline"]["losses"]) == 2 and record["command"] == "minillm ablate rope"
    assert "did you mean 'rope'" in error_of(capsys, "ablate", "roep")
