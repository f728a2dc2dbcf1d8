"""Races against other libraries: `minillm benchmark NAME` runs the function of one suite.

A suite is `run(**options) -> dict`: it times, prints a table, and writes the run record
`benchmark_NAME`. Modules are loaded when a suite is asked for.
"""
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..errors import unknown

SUITES: dict[str, str] = {
    "train": "minillm.studies.benchmark_train:run",
    "attention": "minillm.studies.benchmark_attention:run",
    "tokenizer": "minillm.studies.benchmark_tokenizer:run",
    "generate": "minillm.studies.benchmark_generate:run",
    "moe": "minillm.studies.benchmark_moe:run",
    "quality": "minillm.studies.benchmark_quality:run",
}


def suite(name: str) -> Callable[..., dict[str, Any]]:
    """The function `run` of the suite called `name`; a ValueError that names the nearest
    right name, or says that this installation does not have it.
    """
    if name not in SUITES:
        raise unknown("benchmark", name, SUITES)
    module, _, function = SUITES[name].partition(":")
    try: return getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != module: raise
        raise ValueError(f"benchmark {name!r} needs {module}, which is not here") from None
