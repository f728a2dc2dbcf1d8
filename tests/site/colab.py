"""`make colab`: every chapter in an empty folder, in an environment with only the wheel and what its first cell installs.

The versions are those that Colab had on the day that `colab.txt` names. Colab has Python 3.12: `COLAB_PYTHON` names one to
make the environment with, where this machine has it. One environment serves all chapters: whatever the
first cell of a chapter does not install, and nothing that it installs brings, is hidden while the chapter runs.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import ROOT, clean_home
from test_wheel import EXECUTE

HIDE = '''
import os, re, sys
from importlib.metadata import distributions, packages_distributions


def norm(name): return re.sub(r"[-_.]+", "-", name).lower()


given = os.environ.get("MINILLM_INSTALLED")
if given:
    needs = {norm(d.metadata["Name"]): [norm(re.split(r"[^A-Za-z0-9._-]", r)[0]) for r in d.requires or [] if "extra ==" not in r]
             for d in distributions()}
    extras = {norm(d.metadata["Name"]): [norm(re.split(r"[^A-Za-z0-9._-]", r)[0]) for r in d.requires or [] if "extra ==" in r]
              for d in distributions()}
    shown, todo = set(), [(norm(re.split(r"[^A-Za-z0-9._-]", g)[0]), "[" in g) for g in given.split()]
    while todo:
        name, with_extras = todo.pop()
        if name in shown: continue
        shown.add(name)
        todo += [(n, False) for n in [*needs.get(name, []), *(extras.get(name, []) if with_extras else [])]]
    hidden = {top for top, names in packages_distributions().items() if not shown & {norm(n) for n in names}}

    class Hide:
        """A finder that does not find what is hidden."""

        def __init__(self, finder): self.finder = finder

        def __getattr__(self, name): return getattr(self.finder, name)

        def find_distributions(self, *context):
            find = getattr(self.finder, "find_distributions", lambda *context: [])
            return (d for d in find(*context) if norm(d.metadata["Name"]) in shown)

        def find_spec(self, name, path=None, target=None):
            return None if name.partition(".")[0] in hidden else self.finder.find_spec(name, path, target)

    sys.meta_path[:] = [Hide(finder) for finder in sys.meta_path]
'''


def installed(notebook: Path) -> list[str]:
    """What the first cell of a chapter installs, beside the wheel."""
    first = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"])
    return [part for part in re.findall(r"'([^']+)'", first) if "@" not in part]


def hide_all_but(needs: list[str], folder: Path) -> dict[str, str]:
    """Variables of an environment in which Python finds only our package, `needs`, what runs a notebook, and what these
    bring; the module that does it is written to `folder`."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HIDE)
    return {"PYTHONPATH": str(folder), "MINILLM_INSTALLED": " ".join(["minillm", "nbclient", "ipykernel", "pip", "setuptools", *needs])}


COLAB = "3.12"


def interpreter(asked: str | None = os.environ.get("COLAB_PYTHON")) -> tuple[str, str]:
    """The Python that the environment is made with, and in one line how it differs from Colab's."""
    python = asked or shutil.which(f"python{COLAB}") or sys.executable
    version = subprocess.run([python, "-c", "import platform; print(platform.python_version())"], check=True, text=True,
                             capture_output=True).stdout.strip()
    if version.startswith(COLAB + "."): return python, f"Python {version}, as Colab has"
    return python, (f"Python {version}, and Colab has {COLAB}, which is not on this machine (COLAB_PYTHON=PATH names one): "
                    "the packages are Colab's, the language is not")


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="minillm-colab-"))
    chosen_python, told = interpreter()
    print(told, flush=True)
    subprocess.run([chosen_python, "-m", "venv", folder / "env"], check=True)
    python, failed = folder / "env" / "bin" / "python", 0
    chosen = sorted((ROOT / "nbs").glob(sys.argv[1] if len(sys.argv) > 1 else "*.ipynb"))
    needs = {nb: installed(nb) for nb in chosen}
    install = [python, "-m", "pip", "install", "-q", "--no-compile"]
    wheel = next((ROOT / "dist").glob("minillm-*.whl"))
    subprocess.run([*install, "-c", ROOT / "constraints.txt", "torch"], check=True, cwd=folder)
    subprocess.run([*install, "-c", ROOT / "tests/site/colab.txt", wheel, "nbclient", "ipykernel",
                    *sorted(set().union(*needs.values()))], check=True, cwd=folder)
    for nb in chosen:
        empty = Path(tempfile.mkdtemp(dir=folder))
        shutil.copy(nb, empty)
        start, env = time.time(), {**clean_home(empty), **hide_all_but(needs[nb], folder / "hide")}
        done = subprocess.run([python, "-c", EXECUTE, nb.name], cwd=empty, env=env, text=True, capture_output=True)
        failed += done.returncode != 0
        print(f"{nb.stem:16} {'ok' if done.returncode == 0 else 'FAILED'} in {time.time() - start:.1f} s", flush=True)
        if done.returncode: print(done.stderr[-2000:])
    shutil.rmtree(folder)
    return failed


if __name__ == "__main__": sys.exit(main())
