"""Races against other libraries: `minillm benchmark NAME` runs the function of one suite.

A suite is `run(**options) -> dict`: it times, prints a table, and writes the run record
`benchmark_NAME`. Modules are loaded when a suite is asked for.
"""
import difflib
from collections.abc import Callable
from importlib import import_module
from typing import Any

SUITES: dict[str, str] = {
    "train": "minillm.benchmark.train:run",
    "attention": "minillm.benchmark.attention:run",
    "tokenizer": "minillm.benchmark.tokenizer:run",
    "generate": "minillm.benchmark.generate:run",
    "moe": "minillm.benchmark.moe:run",
    "quality": "minillm.benchmark.quality:run",
}


def suite(name: str) -> Callable[..., dict[str, Any]]:
    """The function `run` of the suite called `name`; a ValueError that names the nearest
    right name, or says that this installation does not have it.
    """
    if name not in SUITES:
        near = difflib.get_close_matches(name, SUITES, 1, 0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"benchmark={name!r} is unknown; {hint}choose one of "
                         f"{', '.join(SUITES)}")
    module, _, function = SUITES[name].partition(":")
    try: return getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != module: raise
        raise ValueError(f"benchmark {name!r} needs {module}, which is not here") from None
