"""Loading a folder of the Hugging Face layout copies nothing that it need not: the weights stay where the file is mapped."""
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
