"""Every writer of the package: its files have the permissions that the umask asks for, and where the disk
takes no more, one clear line is said and nothing half-written is left."""
import ast
import json
import os
import resource
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from commands import run

from minillm.adapt.session import RowLog
from minillm.checkpoint.gguf import write_gguf
from minillm.checkpoint.huggingface import export_pretrained
from minillm.checkpoint.quantized import write_quantized
from minillm.checkpoint.run import save_checkpoint
from minillm.config import ModelConfig, RunConfig
from minillm.data.chat import write_chats
from minillm.data.sources import prepare
from minillm.files import finite, write_json
from minillm.layers.lora import add_lora
from minillm.models.decoder import Decoder
from minillm.tokenizer.bpe import BPETokenizer
from minillm.tokenizer.sentencepiece import SentencePieceTokenizer
from minillm.tokenizer.simple import CharTokenizer
from minillm.tokenizer.text_format import TextFormat, write_text_format

TEXT = "Once upon a time there was a fox, and it saw another fox. " * 40
TOKENIZER = BPETokenizer.train(TEXT, 300, ["<|endoftext|>"])


def model():
    torch.manual_seed(0)
    return Decoder(ModelConfig(TOKENIZER.vocab_size, 32, 2, 64, n_heads=4, d_ff=64)).eval()


def checkpoint(out):
    m = model()
    save_checkpoint(out, m, torch.optim.SGD(m.parameters()), {"torch": torch.get_rng_state()},
                    {"step": 1, "model": m.config.to_dict()})
    RunConfig(model=m.config).save(out / "config.json")


def log(out):
    out.mkdir()
    rows = RowLog(out / "log.csv", [{"step": i, "loss": 1.0} for i in range(2000)])
    rows.close()


def adapter(out):
    from minillm.checkpoint.peft import save_adapter
    m = model()
    add_lora(m, 4)
    save_adapter(m, out)


def prepared(out):
    source = out.with_name("source.txt")
    if not source.exists(): source.write_text(TEXT * 20)
    prepare(source, out)


def ship_model(out):
    from minillm.checkpoint.shipped import ship
    ship(model(), TOKENIZER, out, "# A model\n" * 300)


def reader(out):
    from minillm.retrieval.reader import Reader
    Reader(model(), TOKENIZER).save(out / "reader.safetensors")


def collection(out):
    pytest.importorskip("faiss")
    from minillm.retrieval.chunks import Chunk
    from minillm.retrieval.collection import Collection

    class Letters:
        width, fingerprint = 26, "letters"

        def encode(self, texts):
            return torch.tensor([[1.0 + t.count(chr(97 + i)) for i in range(26)] for t in texts])
    Collection.build([Chunk(f"The fox {i} saw it.", "a.txt", i, i + 20) for i in range(60)], Letters()).save(out)


def tasks(out):
    from minillm.evaluation.tasks import write_task
    out.mkdir(exist_ok=True)
    write_task(out / "t.jsonl", [{"text": TEXT}] * 3)


def harness_tasks(out):
    pytest.importorskip("lm_eval")
    from minillm.evaluation.harness import write_harness_tasks
    write_harness_tasks(out, {"t": [{"text": TEXT}] * 3})


def record(out):
    from minillm.studies.record import write_record
    write_record("odd", {"a": ["text"] * 3000}, seed=0, modules=["minillm.files"], wall_time=1.0, folder=out)


WRITERS = {
    "ship": ship_model, "reader": reader, "collection": collection, "tasks": tasks, "harness": harness_tasks,
    "record": record,
    "json": lambda out: write_json(out / "a.json", {"a": ["text"] * 3000}),
    "char": lambda out: CharTokenizer.train("".join(map(chr, range(300, 6000)))).save(out / "tokenizer.json"),
    "bpe": lambda out: BPETokenizer(TOKENIZER.merges, [f"<|{i}|>" for i in range(2000)]).save(out / "tokenizer.json"),
    "sentencepiece": lambda out: SentencePieceTokenizer.train(TEXT, 300).save(out / "tokenizer.model"),
    "format": lambda out: write_text_format(TextFormat({"eos_token": "</s>"}, (2,), "{{ x }}" * 3000), out),
    "chats": lambda out: write_chats(out / "c.jsonl", [[{"role": "user", "content": "Hello " * 900}]] * 9),
    "checkpoint": checkpoint, "log": log, "adapter": adapter, "prepare": prepared,
    "export": lambda out: export_pretrained(model(), out, TOKENIZER),
    "quantized": lambda out: write_quantized(model(), TOKENIZER, out, "int8"),
    "gguf": lambda out: write_gguf(model(), TOKENIZER, out / "m.gguf")}
# writers by a library whose files only their owner can read; there must be none
OWNER_ONLY = set[str]()


def files_of(folder):
    return sorted(p for p in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("mask", [0o022, 0o002])
@pytest.mark.parametrize("name", WRITERS)
def test_files_follow_the_umask(tmp_path, name, mask):
    before = os.umask(mask)
    try: WRITERS[name](tmp_path / "out")
    finally: os.umask(before)
    made = files_of(tmp_path / "out")
    assert made
    for path in made:
        mode = path.stat().st_mode & 0o777
        if path.is_dir(): assert mode == 0o777 & ~mask, path
        elif not (name in OWNER_ONLY and path.suffix == ".safetensors"):
            assert mode == 0o666 & ~mask, (path, oct(mode))


class Limit:
    """While open, no file may grow beyond `size` bytes: a disk that takes no more."""

    def __init__(self, size): self.size = size

    def __enter__(self):
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        self.handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.before[1]))

    def __exit__(self, *rest):
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)
        signal.signal(signal.SIGXFSZ, self.handler)


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_nothing_half_written(tmp_path, name):
    from minillm.commands.shell import in_one_line
    WRITERS[name](tmp_path / "whole")
    whole = {p.relative_to(tmp_path / "whole"): p.read_bytes() for p in files_of(tmp_path / "whole") if p.is_file()}
    largest = max(map(len, whole.values()))
    assert largest > 2000, {str(k): len(v) for k, v in whole.items()}
    with pytest.raises(Exception) as caught, Limit(largest // 2): WRITERS[name](tmp_path / "out")
    message = in_one_line(caught.value)
    assert "\n" not in message and "room" in message, message
    left = [p for p in files_of(tmp_path / "out") if p.is_file()]
    if name == "prepare": left = [p for p in left if ".unfinished" not in p.parts]    # kept: it goes on from there
    for path in left:
        assert path.read_bytes() == whole[path.relative_to(tmp_path / "out")], path
    beside = {p.name for p in tmp_path.iterdir()} - {"source.txt", "whole", "out"}
    assert not beside, beside
    if name == "prepare": WRITERS[name](tmp_path / "out")
    else: WRITERS[name](tmp_path / "again")


def strict(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_json_has_no_nan(tmp_path, capsys):
    """What a command prints, and every file with measured numbers: a checkpoint, a run's report, a record."""
    from minillm.commands.shell import finish
    from minillm.studies.record import write_record
    from minillm.train.report import run_report
    odd = {"a": float("nan"), "b": [float("inf"), -float("inf"), 1.5], "c": {"d": (float("nan"),)}}
    finish(odd, True, "")
    assert strict(capsys.readouterr().out) == finite(odd) == {"a": None, "b": [None, None, 1.5], "c": {"d": [None]}}
    m = model()
    folder = save_checkpoint(tmp_path, m, torch.optim.SGD(m.parameters()), {}, {"step": 1, "val": odd})
    assert strict((folder / "state.json").read_text())["val"] == finite(odd)
    write_record("odd", odd, seed=0, modules=["minillm.files"], wall_time=1.0, folder=tmp_path)
    assert strict((tmp_path / "odd.json").read_text())["metrics"] == finite(odd)
    run_like = SimpleNamespace(out=tmp_path, training=SimpleNamespace(seed=0), device="cpu", seconds=1.0, step=1, speed=0.0, model=m,
                               best=float("inf"), val={"val_loss": float("nan"), "perplexity": float("inf")},
                               strategy=SimpleNamespace(is_main=True))
    run_report(run_like, "failed")
    assert strict((tmp_path / "run.json").read_text())["perplexity"] is None


def test_commands_print_json_in_one_place():
    """`finish` is the only door to standard output for JSON, so no command can print another kind. (The capstone's
    checks write JSON too, but to a server and to the process that began them.)"""
    import minillm.commands
    folder = Path(minillm.commands.__file__).parent
    for file in [*folder.glob("*.py"), folder.parent / "cli.py"]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)
                 and ast.unparse(node.func) in ("json.dumps", "json.dump")]
        if file.name not in ("capstone_checks.py", "capstone_grade.py"): assert len(calls) == (file.name == "shell.py"), file.name
        flags = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "as_json"}
        if flags and file.name != "shell.py": assert "finish(" in file.read_text(encoding="utf-8"), file.name


def test_what_runs_write_is_json(tmp_path, capsys):
    (tmp_path / "t.txt").write_text(TEXT * 4)
    small = ["--d-model", 16, "--n-layers", 1, "--n-heads", 2, "--max-seq-len", 32, "--seq-length", 32, "--batch-size", 2]
    assert run("prepare", tmp_path / "t.txt", "--out", tmp_path / "data", "--json") == 0
    assert run("train", "--config", "laptop", "--data", tmp_path / "data", "--out", tmp_path / "run", "--max-steps", 2,
               "--eval-every", 1, *small, "--json") == 0
    assert run("quantize", "--checkpoint", tmp_path / "run", "--out", tmp_path / "q", "--json") == 0
    assert run("generate", "Once", "--checkpoint", tmp_path / "run", "--max-tokens", 3, "--json") == 0
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("{"): strict(line)
    for file in tmp_path.rglob("*.json"): strict(file.read_text(encoding="utf-8"))
