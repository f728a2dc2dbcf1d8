"""Loading a folder of the Hugging Face layout copies nothing that it need not: the weights stay where the file is mapped."""
import json
import os
import subprocess
import sys

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from minillm.checkpoint.huggingface import export_pretrained, load_huggingface_model
from minillm.config import ModelConfig
from minillm.models.decoder import Decoder

COPIES = ("aten::_to_copy", "aten::clone", "aten::copy_", "aten::cat", "aten::stack", "aten::contiguous", "aten::fill_", "aten::zero_")


class Counted(TorchDispatchMode):
    """Adds up the bytes that operations write into memory of their own."""

    written = 0

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        made = op(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.device.type != "meta" and op.name().split(".")[0] in COPIES:
            self.written += made.nbytes
        return made


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_weights_are_not_copied(tmp_path, tied, kind):
    torch.manual_seed(0)
    made = Decoder(ModelConfig(512, 64, 3, 64, n_heads=4, n_kv_heads=2, d_ff=128, tie_embeddings=tied)).to(kind)
    export_pretrained(made, tmp_path / "m")
    whole = sum(p.nbytes for p in made.parameters())
    with Counted() as counted: found = load_huggingface_model(tmp_path / "m")
    assert all(torch.equal(a, b) for a, b in zip(made.state_dict().values(), found.state_dict().values()))
    assert counted.written < whole / 10, (counted.written, whole)
    with Counted() as counted: load_huggingface_model(tmp_path / "m", dtype=torch.float64)
    wide = sum(p.numel() * 8 for p in made.parameters())
    assert counted.written <= 1.1 * wide, (counted.written, wide)    # another number type costs one copy


PEAK = """
import json, sys
from pathlib import Path
import torch
def peak(): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
def now(): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) / 1024
who, folder = sys.argv[1:]
if who == "ours":
    from minillm.checkpoint.huggingface import load_huggingface_model
    load = lambda: load_huggingface_model(Path(folder))
else:
    from transformers import LlamaForCausalLM
    load = lambda: LlamaForCausalLM.from_pretrained(folder, dtype="auto")
start = now()
model = load()
seen = {"start": start, "loaded": peak(), "compiler": "torch._dynamo" in sys.modules}
with torch.no_grad(): model(torch.arange(32)[None])
print(json.dumps(seen | {"forward": peak()}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_the_peak_is_that_of_transformers(tmp_path):
    """In fresh processes, in megabytes, after loading and after a forward pass. Both leave the weights in the mapped file, so
    they are counted when they are read: at the latest by the forward pass, and never twice."""
    pytest.importorskip("transformers")
    made = Decoder(ModelConfig(4096, 768, 8, 256, n_heads=12, n_kv_heads=4, d_ff=2048))
    export_pretrained(made, tmp_path / "m")
    weights = sum(p.nbytes for p in made.parameters()) / 2**20
    assert 190 < weights < 220
    ours, theirs = (json.loads(subprocess.run(
        [sys.executable, "-c", PEAK, who, str(tmp_path / "m")], capture_output=True, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}).stdout.splitlines()[-1]) for who in ("ours", "theirs"))
    assert ours["forward"] <= 1.2 * theirs["forward"], (ours, theirs)
    assert ours["forward"] - ours["start"] < 1.5 * weights, ours        # a copy would make it twice the weights
    assert ours["loaded"] - ours["start"] < 0.5 * weights, ours         # mapped, and nothing imported for it
    assert not ours["compiler"]
