"""What a machine decides besides its arithmetic: the oldest Python that is supported, its language, clock, terminal
and number of cores."""
import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("minillm/**/*.py"), *ROOT.glob("tests/**/*.py"), ROOT / "setup.py"])
LATER = {  # names of the standard library that Python 3.10 lacks
    "datetime": {"UTC"}, "itertools": {"batched"}, "math": {"cbrt", "exp2", "sumprod", "fma"},
    "enum": {"StrEnum", "ReprEnum", "member", "nonmember", "verify"}, "contextlib": {"chdir"},
    "hashlib": {"file_digest"}, "asyncio": {"TaskGroup", "timeout", "Runner", "Barrier"},
    "typing": {"Self", "Never", "LiteralString", "NotRequired", "Required", "Unpack", "TypeVarTuple", "assert_never",
               "assert_type", "reveal_type", "override", "dataclass_transform", "TypeAliasType", "ReadOnly", "TypeIs"},
    "copy": {"replace"}, "types": {"get_original_bases"}, "operator": {"call"}, "inspect": {"getmembers_static"},
    "os": {"process_cpu_count"}, "warnings": {"deprecated"}, "sys": {"exception", "monitoring"}}
MODULES = {"tomllib", "wsgiref.types"}
BUILTINS = {"ExceptionGroup", "BaseExceptionGroup", "PythonFinalizationError"}


def too_new(source: str) -> list[str]:
    "What a program uses of the standard library that Python 3.10 does not have."
    found = []
    for node in ast.walk(ast.parse(source, feature_version=(3, 10))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found += [f"{node.module}.{a.name}" for a in node.names if a.name in LATER.get(node.module or "", ())]
            found += [node.module] * (node.module in MODULES)
        elif isinstance(node, ast.Import): found += [a.name for a in node.names if a.name in MODULES]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in LATER.get(node.value.id, ()): found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Name) and node.id in BUILTINS: found.append(node.id)
    return found


def test_the_oldest_python_can_read_everything():
    assert set(too_new("from typing import Self\nimport tomllib, math\nmath.cbrt(1)\nExceptionGroup")) == {
        "typing.Self", "tomllib", "math.cbrt", "ExceptionGroup"}
    with pytest.raises(SyntaxError): too_new("try: pass\nexcept* ValueError: pass")
    bad = {str(f.relative_to(ROOT)): found for f in SOURCES if (found := too_new(f.read_text("utf-8")))}
    assert not bad, f"not in Python 3.10: {bad}"


ODD = {"LANG": "C", "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "COLUMNS": "40", "LINES": "8", "TERM": "dumb",
       "OMP_NUM_THREADS": "1"}
STRICT = {**ODD, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}      # a terminal that knows ASCII only


@pytest.mark.parametrize("environment", [ODD, STRICT], ids=["C", "ASCII"])
@pytest.mark.parametrize("arguments, said", [
    (["--help"], "train"), (["generate", "--prompt", "Once upon a time", "--max-tokens", "4", "--seed", "1"], "Once")])
def test_commands_on_one_core_without_language_or_width(environment, arguments, said, tmp_path):
    def one_core():
        if hasattr(os, "sched_setaffinity"): os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    done = subprocess.run([sys.executable, "-m", "minillm", *arguments], cwd=tmp_path, capture_output=True, timeout=300,
                          env={**os.environ, **environment, "PYTHONPATH": str(ROOT)}, preexec_fn=one_core)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    assert said.encode() in done.stdout and b"Traceback" not in done.stdout + done.stderr
