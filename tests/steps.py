"""`make test`: run the steps, up to two cores' worth at a time, and say at the end what came of them.

Every line of a step is printed as it comes, with the step's name before it, and kept in `_build/test/STEP.log`. All
steps run, whatever fails; then come the summary, what failed, and pytest's own closing line. Standard library only.
"""
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

CORES = 2
LOGS = Path("_build/test")


@dataclass
class Step:
    """A target of the Makefile: how many cores it keeps busy, and which steps must have ended before it."""

    name: str
    cores: int = 1
    after: tuple[str, ...] = ()
    process: subprocess.Popen | None = None
    start: float = 0.0
    seconds: float = 0.0
    code: int | None = None
    lines: list[str] = field(default_factory=list)


def plan() -> list[Step]:
    """In the order in which steps begin where there is a choice. While the site is set, which takes one core, the
    other one checks the code and begins with the tests; those of `unit` read the site, so they come last."""
    return [Step("setup", CORES), Step("drift", CORES, ("setup",)), Step("notebooks", CORES, ("drift",)),
            Step("pages", 1, ("notebooks",)), Step("lint", 1, ("drift",)), Step("clean-check", 1, ("drift",)),
            Step("wheel", 1, ("drift",)), Step("early", 1, ("drift",)),
            Step("unit", CORES, ("pages", "lint", "clean-check", "wheel", "early"))]


def ready(steps: list[Step]) -> list[Step]:
    """The steps that may begin now: all before them have ended, and there are cores for them."""
    ended = {s.name for s in steps if s.code is not None}
    free = CORES - sum(s.cores for s in steps if s.process and s.code is None)
    found = []
    for s in steps:
        if s.process or not ended.issuperset(s.after): continue
        if s.cores > free: break                        # it is next; nothing small may hold it up
        found.append(s)
        free -= s.cores
    return found


def run(step: Step, done: threading.Condition) -> None:
    """Run a step to its end, in a thread of its own."""
    with open(LOGS / f"{step.name}.log", "w", encoding="utf-8") as log:
        for line in step.process.stdout:
            step.lines.append(line.rstrip("\n"))
            log.write(line)
            print(f"{step.name:11} | {line}", end="", flush=True)
    with done:
        step.code = step.process.wait()
        step.seconds = time.monotonic() - step.start
        done.notify()


def run_all(steps: list[Step], command: list[str]) -> None:
    """Run every step by `command NAME`; Ctrl-C ends those that run."""
    LOGS.mkdir(parents=True, exist_ok=True)
    done = threading.Condition()
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    env |= {"PYTHONUNBUFFERED": "1", "STEPS_BEFORE": "1"}         # `unit` leaves out what `early` has run, takes the wheel
    try:
        with done:
            while any(s.code is None for s in steps):
                for s in ready(steps):
                    s.start = time.monotonic()
                    s.process = subprocess.Popen([*command, s.name], env=env, text=True, errors="replace", start_new_session=True,
                                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    threading.Thread(target=run, args=(s, done), daemon=True).start()
                done.wait()
    except KeyboardInterrupt:
        for s in steps:
            if s.process and s.code is None: os.killpg(s.process.pid, signal.SIGTERM)
        raise SystemExit(130) from None


def closing_line(lines: list[str]) -> str:
    """The line in which pytest counts: `1986 passed, 5 skipped in 1163.32s`."""
    found = [line.strip("= ") for line in lines if re.search(r"\d+ (passed|failed|errors?|skipped)\b.* in [\d.]+s", line)]
    return found[-1] if found else ""


def added_up(lines: list[str]) -> str:
    """The closing lines of several steps as one: counts and seconds are added."""
    counts: dict[str, int] = {}
    for n, word in re.findall(r"(\d+) ([a-z]+)", " ".join(lines)):
        counts[word] = counts.get(word, 0) + int(n)
    seconds = sum(float(s) for line in lines for s in re.findall(r" in ([\d.]+)s", line)[-1:])
    return f"{', '.join(f'{n} {word}' for word, n in sorted(counts.items()))} in {seconds:.2f}s" if counts else "no tests ran"


def summary(steps: list[Step], seconds: float) -> list[str]:
    """What `make test` says at its end."""
    lines = [line for s in steps for line in s.lines]
    rows = [f"{s.name:12} {s.seconds:6.0f} s  {'ok' if s.code == 0 else f'FAILED (exit code {s.code}; {LOGS}/{s.name}.log)'}"
            for s in steps]
    rows.append(f"{'all':12} {seconds:6.0f} s")
    coverage = [m[1] for line in lines if (m := re.search(r"Total coverage: ([\d.]+%)", line))]
    rows.append(f"coverage     {coverage[-1] if coverage else 'not measured'}")
    rows += [line[:200] for line in lines if re.match(r"(FAILED|ERROR) \S+::", line)]
    wrong = [s.name for s in steps if s.code != 0]
    rows.append(f"failed steps: {', '.join(wrong)}" if wrong else "every step passed")
    return ["", "== summary", *rows, added_up([closing_line(s.lines) for s in steps])]


def main() -> int:
    """Run `make STEP` for each step of the plan."""
    steps, start = plan(), time.monotonic()
    run_all(steps, ["make", "--no-print-directory"])
    print("\n".join(summary(steps, time.monotonic() - start)), flush=True)
    return int(any(s.code != 0 for s in steps))


if __name__ == "__main__": sys.exit(main())
