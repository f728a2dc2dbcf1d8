"""`minillm generate` and `minillm chat` as a person and as a program use them: pipes, a terminal, Ctrl-C."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from commands import NARROW, error_of, hear_ctrl_c, run

TEXT = "the quick brown fox jumps over the lazy dog, and the dog sleeps on.\n" * 60
QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "TERM": "xterm"}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    "A folder with two runs on one text, which share their tokenizer, and one with another."
    folder = tmp_path_factory.mktemp("generate")
    (folder / "text.txt").write_text(TEXT)
    for name, more in (("char", []), ("bpe", ["--tokenizer", "bpe", "--vocab-size", "300"])):
        assert run("prepare", folder / "text.txt", *more, "--out", folder / name) == 0
    for out, data, size in (("run", "char", 16), ("small", "char", 8), ("bytes", "bpe", 16)):
        assert run("train", "--config", "laptop", "--data", folder / data, "--out", folder / out, "--max-steps", 20, "--eval-every", 20,
                   *NARROW, "--d-model", size, "--max-seq-len", 64) == 0
    return folder


@pytest.fixture
def write(work, capsys):
    "What `generate` says with --json."
    def made(*arguments, folder="run"):
        capsys.readouterr()
        assert run("generate", "the ", "--checkpoint", work / folder, "--json", *arguments) == 0
        return json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return made


def test_samples_stops_and_seeds(write):
    one = write("--num-samples", 4, "--seed", 5, "--max-tokens", 30)
    assert len(set(one["texts"])) == 4 and one["text"] == one["texts"][0] and one["tokens"] == 4 * 30
    assert write("--num-samples", 4, "--seed", 5, "--max-tokens", 30)["texts"] == one["texts"]
    letter = one["text"][10]
    cut = write("--num-samples", 4, "--seed", 5, "--max-tokens", 30, "--stop", letter, "--stop", "zz")
    for whole, text in zip(one["texts"], cut["texts"]): assert text == "the " + whole[4:].split(letter)[0]
    pair = one["text"][10:12]
    assert write("--seed", 5, "--max-tokens", 30, "--stop", pair, "--num-samples", 4)["text"] == "the " + one["text"][4:].split(pair)[0]


def test_every_sampler_has_its_flag(write):
    greedy = write("--temperature", 0, "--max-tokens", 20)["text"]
    for flags in (["--top-k", 1], ["--top-p", 0.001], ["--min-p", 1.0]):
        assert write(*flags, "--seed", 1, "--max-tokens", 20)["text"] == greedy
    kept = write("--temperature", 0, "--repetition-penalty", 100, "--max-tokens", 6)["text"]
    assert len(set(kept[4:])) == 6 and not set(kept[4:]) & set("the ")


def test_beams_and_drafts(work, write):
    greedy = write("--temperature", 0, "--max-tokens", 25)["text"]
    assert write("--beams", 1, "--max-tokens", 25)["text"] == greedy
    many = write("--beams", 5, "--num-samples", 3, "--max-tokens", 25)["texts"]
    assert len(set(many)) == 3
    for draft in ("small", "run"):
        assert write("--draft", work / draft, "--temperature", 0, "--max-tokens", 25)["text"] == greedy
    drawn = write("--draft", work / "small", "--num-samples", 3, "--seed", 1, "--top-k", 5)
    assert drawn["max_tokens"] == 60 and [len(t) for t in drawn["texts"]] == [64] * 3      # as much as fits the context


def test_endless_goes_past_the_context(write):
    text = write("--endless", "--max-tokens", 300, "--seed", 1, "--repetition-penalty", 1.1)
    assert text["tokens"] == 300 and len(text["text"]) == 304


def test_mistakes(work, tmp_path, capsys):
    there = ["--checkpoint", work / "run"]
    for arguments, message in (
            (["--min-p", 2], "min_p=2.0"), (["--repetition-penalty", 0], "repetition_penalty=0"), (["--stop", ""], "stop string is empty"),
            (["--num-samples", 0], "num_samples=0"), (["--beams", 0], "beams=0"), (["--beams", 2, "--endless"], "--beams and --endless"),
            (["--beams", 2, "--num-samples", 3], "2 beams find no 3"),
            (["--beams", 2, "--seed", 1], "--beams and --seed"), (["--endless", "--stop", "x"], "do not go together"),
            (["--beams", 2, "--draft", work / "small"], "--beams and --draft"), (["--draft", work / "bytes"], "another tokenizer"),
            (["--draft", work / "small", "--repetition-penalty", 1.2], "leave out one"), (["--draft", tmp_path / "no"], "does not exist"),
            (["--beams", 2, "--max-tokens", 100], "lower max_tokens"), (["--pretrained", work / "run"], "two models"),
            (["--prompt", "x"], "given twice")):
        assert message in error_of(capsys, "generate", "the ", *there, *arguments), arguments
    assert "no {user}" in error_of(capsys, "chat", *there, "--template", "user")
    assert "max_tokens=0" in error_of(capsys, "chat", *there, "--max-tokens", 0)


def test_without_a_model_the_shipped_one_is_asked_for(work, capsys, monkeypatch):
    from minillm.checkpoint import open as door
    monkeypatch.setattr(door, "shipped_models", list)
    assert "no model comes with this installation" in error_of(capsys, "generate", "the ")
    monkeypatch.setattr(door, "shipped_models", lambda: ["run"])
    monkeypatch.setattr(door, "shipped_model", lambda name="run": work / name)
    assert run("generate", "the ", "--max-tokens", 9, "--json") == 0
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["tokens"] == 9


def test_text_goes_out_and_speed_to_the_error_stream(work, capsys):
    capsys.readouterr()
    assert run("generate", "the ", "--checkpoint", work / "bytes", "--max-tokens", 30, "--num-samples", 2, "--seed", 1) == 0
    out, err = capsys.readouterr()
    assert out.startswith("the ") and "\n--- 2\nthe " in out and re.search(r"60 tokens in .* tokens/s", err)


def minillm(*arguments, **options):
    command = [sys.executable, "-m", "minillm", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=QUIET,
                            preexec_fn=hear_ctrl_c, **options)


def test_ctrl_c_ends_an_endless_text_cleanly(work):
    process = minillm("generate", "the ", "--checkpoint", work / "run", "--endless", "--seed", 1)
    seen = b""
    while len(seen) < 400: seen += os.read(process.stdout.fileno(), 100)        # past the context, and as it is written
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and (seen + out).endswith(b"\n") and b"tokens/s" in err and b"Traceback" not in err


def test_a_reader_that_goes_away_ends_it_too(work):
    process = minillm("generate", "the ", "--checkpoint", work / "run", "--endless")
    os.read(process.stdout.fileno(), 10)
    process.stdout.close()
    assert process.wait(timeout=60) == 0 and b"Traceback" not in process.stderr.read()


def test_chat_through_pipes(work):
    process = minillm("chat", "--checkpoint", work / "run", "--seed", 1, "--max-tokens", 12, "--temperature", 0)
    out, err = process.communicate("the quick\n\n/reset\nthe quick\nΩ\n/what\nfox\n/exit\nnever\n".encode(), timeout=60)
    lines = out.decode().split("\n")
    assert process.returncode == 0 and b"Traceback" not in err, err
    assert len(out) >= 3 * 12 and b"never" not in err and b"forgotten" in err and b"'\xce\xa9'" in err and b"/what is no command" in err
    first, second = out.decode()[:13], out.decode()[13:26]
    assert first == second and lines                                        # it had forgotten
    process = minillm("chat", "--checkpoint", work / "bytes", "--max-tokens", 5)
    out, err = process.communicate(b"the \xff\xfe dog", timeout=60)                # not UTF-8, no new line, end of input
    assert process.returncode == 0 and out.endswith(b"\n") and b"Traceback" not in err, err


class Terminal:
    "A program in a pseudo-terminal."

    def __init__(self, *arguments):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            hear_ctrl_c()
            os.execve(sys.executable, [sys.executable, "-m", "minillm", *map(str, arguments)], QUIET)
        self.seen = b""

    def until(self, found, seconds=120):
        "Read until `found(seen)` holds."
        end = time.time() + seconds
        while time.time() < end and not found(self.seen):
            if select.select([self.file], [], [], 0.1)[0]:
                try: self.seen += os.read(self.file, 1000)
                except OSError: break
        assert found(self.seen), self.seen[-2000:]

    def send(self, data):
        self.seen = b""
        os.write(self.file, data)

    def press(self, key, found, times=20):
        "Press a key until `found(seen)` holds: one that comes between two calls of the line editor can be lost."
        self.seen = b""
        for n in range(times):
            os.write(self.file, key)
            try: self.until(found, 5)
            except AssertionError:
                if n == times - 1: raise
            else: break

    def code(self): return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_chat_in_a_terminal(work):
    terminal = Terminal("chat", "--checkpoint", work / "bytes", "--max-tokens", 30, "--seed", 1, "--temperature", 3)
    terminal.until(lambda seen: b"> " in seen and b"/reset forgets" in seen)
    terminal.send(b"the dog\n")
    terminal.until(lambda seen: b"\n> " in seen)
    answer = terminal.seen.split(b"the dog\r\n", 1)[1]                # bytes by chance: what is left is harmless
    assert not re.search(rb"\x1b(?!\[\??2004)|[\x00-\x08\x0b\x0c\x0e-\x1a\x7f]", answer.rsplit(b"\n> ", 1)[0]), answer
    terminal.press(b"\x03", lambda seen: b"Ctrl-D ends" in seen and b"> " in seen)      # Ctrl-C at the prompt
    terminal.send(b"\x04")                                             # Ctrl-D
    assert terminal.code() == 0


def test_ctrl_c_stops_the_answer_not_the_program(work, tmp_path):
    slow = ["--config", "laptop", "--data", work / "char", "--out", tmp_path / "slow", "--max-steps", 1, "--batch-size", 1, "--eval-batches", 1,
            "--seq-length", 16, "--d-model", 256, "--n-heads", 4, "--n-layers", 8, "--max-seq-len", 8192]
    assert run("train", *slow) == 0
    terminal = Terminal("chat", "--checkpoint", tmp_path / "slow", "--max-tokens", 4000, "--seed", 1)
    terminal.until(lambda seen: b"> " in seen)
    terminal.send(b"the quick\n")
    terminal.until(lambda seen: len(seen) > 40)                              # it is writing
    terminal.send(b"\x03")
    terminal.until(lambda seen: b"\n> " in seen)
    terminal.send(b"/exit\n")
    assert terminal.code() == 0


def test_generate_shows_text_while_it_grows_in_a_terminal(work):
    terminal = Terminal("generate", "the ", "--checkpoint", work / "run", "--endless", "--seed", 1)
    terminal.until(lambda seen: len(seen) > 300)
    terminal.send(b"\x03")
    terminal.until(lambda seen: b"tokens/s" in seen)
    assert terminal.code() == 0


def test_help_and_import_load_no_torch():
    code = ("import sys, minillm; assert 'torch' not in sys.modules\n"
            "from minillm.cli import main\n"
            "for arguments in (['--help'], ['generate', '--help'], ['chat', '--help'], ['--version']):\n"
            "    try: main(arguments)\n"
            "    except SystemExit as e: assert not e.code\n"
            "heavy = {'torch', 'numpy', 'matplotlib', 'transformers', 'datasets', 'IPython'} & set(sys.modules)\n"
            "assert not heavy, heavy")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
