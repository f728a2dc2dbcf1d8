"""`make colab`: every chapter in an empty folder, in an environment with only the wheel and its notebook extra."""
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import ROOT, clean_home
from test_wheel import EXECUTE


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="minillm-colab-"))
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python, failed = folder / "env" / "bin" / "python", 0
    install = [python, "-m", "pip", "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt"]
    wheel = next((ROOT / "dist").glob("minillm-*.whl"))
    subprocess.run([*install, "torch"], check=True, cwd=folder)
    subprocess.run([*install, f"{wheel}[notebook]", "nbclient"], check=True, cwd=folder)
    for nb in sorted((ROOT / "nbs").glob(sys.argv[1] if len(sys.argv) > 1 else "*.ipynb")):
        empty = Path(tempfile.mkdtemp(dir=folder))
        shutil.copy(nb, empty)
        start = time.time()
        done = subprocess.run([python, "-c", EXECUTE, nb.name], cwd=empty, env=clean_home(empty), text=True, capture_output=True)
        failed += done.returncode != 0
        print(f"{nb.stem:16} {'ok' if done.returncode == 0 else 'FAILED'} in {time.time() - start:.1f} s", flush=True)
        if done.returncode: print(done.stderr[-2000:])
    shutil.rmtree(folder)
    return failed


if __name__ == "__main__": sys.exit(main())
