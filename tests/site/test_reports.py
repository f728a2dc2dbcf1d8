"""What `make test` tells: a failed comparison in a few lines, and a summary of all steps at its end."""
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests"))

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


def fake_make(folder, failing=()):
    "A command that stands for `make`: it prints what the real steps print, and some fail."
    script = folder / "fake.py"
    script.write_text(f"""import sys
name = sys.argv[-1]
print("begin", name, flush=True)
if name == "unit":
    if "unit" in {failing!r}: print("FAILED tests/test_a.py::test_b - AssertionError: largest difference 4.6 at index 3")
    print("Required test coverage of 90% reached. Total coverage: 93.51%")
    print("{'1 failed, ' if 'unit' in failing else ''}12 passed, 1 skipped in 3.21s")
if name == "early": print("5 passed in 1.50s")
sys.exit(name in {failing!r})
""")
    return [sys.executable, str(script)]


@pytest.mark.parametrize("failing", [(), ("lint",), ("unit", "notebooks")])
def test_the_summary_stands_at_the_end_and_names_what_failed(tmp_path, monkeypatch, failing):
    import steps
    monkeypatch.chdir(tmp_path)
    made = steps.plan()
    steps.run_all(made, fake_make(tmp_path, failing))
    text = steps.summary(made, 9.0)
    assert [s.name for s in made if s.code] == [s.name for s in made if s.name in failing]
    assert [row.split()[0] for row in text[2:11]] == [s.name for s in made] and "coverage     93.51%" in text
    assert sum("FAILED (exit code 1" in row for row in text) == len(failing)
    assert text[-2] == (f"failed steps: {', '.join(s.name for s in made if s.name in failing)}" if failing else "every step passed")
    assert text[-1].endswith("17 passed, 1 skipped in 4.71s")
    assert any("largest difference 4.6" in row for row in text) == ("unit" in failing)
    assert "begin unit" in (tmp_path / "_build" / "test" / "unit.log").read_text()


def test_steps_use_no_more_than_two_cores_and_wait_for_what_they_need():
    import steps
    made = steps.plan()
    order = []
    while any(s.code is None for s in made):
        started = steps.ready(made)
        assert started and sum(s.cores for s in started) <= steps.CORES
        for s in started:
            assert all(other.code is not None for other in made if other.name in s.after)
            s.process = object()
        order.append([s.name for s in started])
        for s in started: s.code = 0
    assert ["pages", "lint"] in order and order[-1] == ["unit"]


def test_no_test_is_left_out_and_what_was_early_is_not_run_again():
    def run(step, **env):
        return subprocess.run(["make", "-n", step], cwd=ROOT, env={**ENV, **env}, capture_output=True, text=True, check=True).stdout
    early = {word for word in run("early").split() if word.startswith("tests/")}
    assert len(early) > 20 and all((ROOT / file).exists() for file in early)
    after, alone = run("unit", STEPS_BEFORE="1"), run("unit", STEPS_BEFORE="")
    assert {word.removeprefix("--ignore=") for word in after.split() if word.startswith("--ignore=")} == early
    assert "--cov-append" in after and "--ignore" not in alone and "--cov-append" not in alone
    readers = [file for file in early if {"_build/html", "wheel_env", "open_page"} & set((ROOT / file).read_text("utf-8").split('"'))]
    assert not readers, f"they need what `pages` makes: {readers}"


def test_without_a_closing_line_it_says_so():
    import steps
    assert steps.closing_line(["no such module"]) == "" and steps.added_up(["", ""]) == "no tests ran"
    line = "3 failed, 9 passed in 1.20s (0:00:01)"
    assert steps.closing_line([f"= {line} ="]) == line
    assert steps.added_up(["", line, "4 passed, 2 warnings in 60.00s (0:01:00)"]) == "3 failed, 13 passed, 2 warnings in 61.20s"


def test_the_longest_files_exist():
    import importlib.util
    spec = importlib.util.spec_from_file_location("root_conftest", ROOT / "tests" / "conftest.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert [name for name in made.FIRST if not (ROOT / "tests" / f"{name}.py").exists()] == []
