"""The package from Python: light to import, and every public name loads from its module."""
import subprocess
import sys

import minillm


def test_import_loads_nothing_heavy():
    code = "import sys, minillm; print({'torch', 'anywidget', 'IPython', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_every_public_name_loads():
    for name in minillm.__all__: assert getattr(minillm, name) is not None, name
    assert set(minillm.__all__) <= set(dir(minillm))


def test_unknown_name_is_an_attribute_error():
    assert not hasattr(minillm, "Decodr")


def test_generate_writes_with_and_without_a_cache():
    import torch

    from minillm import Decoder, KVCache, generate, preset
    model = Decoder(preset("tiny", vocab_size=9, d_model=16, n_layers=1)).eval()
    ids = torch.tensor([[1, 2, 3]])
    new = torch.stack(list(generate(model, ids, max_tokens=4)), 1)
    again = torch.stack(list(generate(model, ids, max_tokens=4, cache=KVCache.for_model(model))), 1)
    assert new.shape == (1, 4) and torch.equal(new, again)
