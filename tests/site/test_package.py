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
