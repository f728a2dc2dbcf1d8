"""Writing with a model. `minillm.generate(model, ids, max_tokens=...)` is the function of chapter 19_sampling.

The package is callable, so that the verb and the modules below it can have one name.
"""
import sys
from types import ModuleType
from typing import Any


class _Generate(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """`minillm.generate.sample.generate`."""
        from .sample import generate
        return generate(*arguments, **options)


sys.modules[__name__].__class__ = _Generate
