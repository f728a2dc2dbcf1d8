"""float64 is not asked of the device of a model: Apple's GPU (MPS) has no such numbers."""
import ast
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import minillm
from minillm.quant.calibrate import Inputs, awq_columns, gptq, output_error
from minillm.quant.layers import SCHEMES

LIBRARY = Path(minillm.__file__).parent
APART = ("studies", "nbtools", "exercises")
# where 64 bits stand by name, and why no device of a model meets them; all else asks `minillm.device.widest`
ON_THE_HOST = {
    ("device.py", "widest"): "the choice itself",
    ("evaluation/perplexity.py", "read"): "what was brought to the host by .cpu()",
    ("evaluation/perplexity.py", "surprise"): "ids and sums on the host",
    ("layers/nf4.py", "nf4_codebook"): "sixteen numbers, made on the host",
    ("layers/position.py", "rope_frequencies"): "a table made on the host, which moves as float32",
    ("layers/int8.py", None): "kernels of the CPU, and their references",
    ("decoding/sample.py", "warp"): "asks for the device itself",
    ("decoding/speculative.py", "propose"): "counts on the host, then `widest`",
    ("train/autograd.py", "__init__"): "NumPy",
    ("train/precision.py", "state"): "one number of a checkpoint, on the host",
    ("widgets", None): "figures, computed on the host"}


def uses(tree):
    "The innermost function, and the line, of each float64 or .double() in a program."
    found = []

    def visit(node, function):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)): function = node.name
        if isinstance(node, ast.Attribute) and node.attr in ("float64", "double"): found.append((function, node.lineno))
        for child in ast.iter_child_nodes(node): visit(child, function)
    visit(tree, "")
    return found


def test_float64_stands_only_where_the_host_computes():
    used = set()
    for file in sorted(LIBRARY.rglob("*.py")):
        name = file.relative_to(LIBRARY).as_posix()
        if name.split("/")[0] in APART: continue
        for function, line in uses(ast.parse(file.read_text(encoding="utf-8"))):
            known = [key for key in ((name, function), (name, None), (name.split("/")[0], None)) if key in ON_THE_HOST]
            assert known, f"{name}, line {line}, in {function}: ask `widest(tensor.device)` for the number type"
            used.add(known[0])
    assert used == ON_THE_HOST.keys(), ON_THE_HOST.keys() - used


class LikeMPS(TorchDispatchMode):
    "A device without 64-bit numbers."

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        made = op(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and made.dtype == torch.float64:
            raise TypeError(f"{op}: Cannot convert a MPS Tensor to float64 dtype")
        return made


def test_calibration_runs_without_64_bits(monkeypatch):
    import minillm.quant.calibrate as calibrate
    torch.manual_seed(0)
    weight, inputs = torch.randn(12, 32), Inputs(32, torch.device("cpu"))
    inputs.add(torch.randn(200, 32))
    scheme = SCHEMES["int4"]
    want = gptq(weight, inputs.square, scheme).weight()
    with pytest.raises(TypeError, match="float64"), LikeMPS(): gptq(weight, inputs.square, scheme)
    monkeypatch.setattr(calibrate, "widest", lambda device: torch.float32)
    with LikeMPS():
        made = gptq(weight, inputs.square, scheme).weight()
        columns = awq_columns(weight, inputs, scheme)
        error = output_error(weight, made, inputs.square)
    assert (made - want).abs().mean() < 0.1 * (weight - want).abs().mean()
    assert columns.isfinite().all() and error > 0


def test_calibration_counts_where_the_layer_is():
    assert Inputs(4, torch.device("meta")).square.is_meta
