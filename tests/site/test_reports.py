"""What `make test` tells: a failed comparison in a few lines, and a summary of all steps at its end."""
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

ENV = {**os.environ, "OMP_NUM_THREADS": "1"}
FAILING = {
    "(a - b).abs().max() < 1e-4": "largest difference 4.6 at index (3, 17) of (40, 30): 1 against 5.6; 1 of 1200 differ",
    "torch.allclose(a * 1, b, atol=1e-4)": "largest difference 4.6 at index (3, 17)",
    "torch.equal(a, b), 'the caches'": "largest difference 4.6 at index (3, 17)",
    "(a.numpy() == b.numpy()).all()": "largest difference 4.6 at index (3, 17)",
    "all(torch.equal(x, y) for x, y in zip(a, b))": "largest difference 4.6 at index 17 of (30,)",
    "a.flatten().tolist() == b.flatten().tolist()": "largest difference 4.6 at index 107 of (1200,)",
    "torch.equal(a, b[:5])": "shapes differ: (40, 30) against (5, 30)",
    "torch.allclose(a, b * float('nan'))": "largest difference inf",
    "sum(counted) == 1": "assert 0 == 1"}                # what cannot be evaluated twice gets no explanation


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    "What pytest prints for one failing test a condition."
    folder = tmp_path_factory.mktemp("report")
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    lines = ["import torch"]
    for i, condition in enumerate(FAILING):
        lines += [f"def test_{i}():", "    counted = iter([0])", "    a = torch.ones(40, 30)", "    b = a.clone()",
                  "    b[3, 17] += 4.6", f"    assert {condition}"]
    (folder / "test_it.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-cov", "test_it.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**ENV, "CI": "1"}).stdout


@pytest.mark.parametrize("condition", FAILING)
def test_a_failed_comparison_names_the_largest_difference(report, condition):
    assert FAILING[condition] in report


def test_a_report_is_short(report):
    assert len(report.splitlines()) < 14 * len(FAILING) and max(map(len, report.splitlines())) < 240
