"""The command line, called in this process: what its tests share."""
import signal

import pytest

from minillm.cli import main

NARROW = ["--n-heads", "2", "--n-layers", "1", "--seq-length", "16", "--batch-size", "4",
         "--eval-batches", "2"]
SMALL = ["--d-model", "16", *NARROW]


def run(*arguments):
    "Run the command in this process; return its exit code."
    with pytest.raises(SystemExit) as ended: main([str(a) for a in arguments])
    return ended.value.code or 0


def error_of(capsys, *arguments):
    "The one line that a wrong command prints."
    capsys.readouterr()
    code = run(*arguments)
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.startswith("error:")]
    assert code not in (0, None) and len(lines) == 1 and "Traceback" not in out + err, (code, out, err)
    return lines[0]


def hear_ctrl_c():
    "In a child before it begins: a shell starts what runs in the background deaf to Ctrl-C, and that is inherited."
    signal.signal(signal.SIGINT, signal.default_int_handler)
