"""For all tests: a failing comparison of arrays says how far apart they are and where, in a few lines.

The condition of the failing `assert` is evaluated once more with every difference, equality and `allclose` in it
watched. The pair that is furthest apart goes into the first line of the message; what pytest says about the values
follows, cut to a few lines. `-vv` leaves pytest's own text as it is.
"""
import ast
import builtins
import linecache
import re
from collections import Counter
from pathlib import Path

import pytest

LINES, WIDTH = 12, 160
SHORT = 6                                               # lists up to this length pytest shows whole
PAIRS = {"allclose", "isclose", "equal", "array_equal"}
# Files that take longest, as measured: with several workers they begin first, so that none idles at the end.
FIRST = ["site/test_wheel", "site/test_cli_adapt", "site/test_command_line", "site/test_site", "site/test_cli_generate",
         "test_train_trainer", "test_train_distributed", "test_studies_faults", "test_checkpoint_quantized",
         "test_decoding_stream", "test_serve_app", "test_data_prepare", "test_decoding_speculative",
         "test_studies_speedrun", "test_studies_record", "test_decoding_beam", "test_studies_parity",
         "test_models_decoder", "test_decoding_engine"]


class Watch(ast.NodeTransformer):
    """Replace `a - b`, `a == b` and `allclose(a, b)` by calls that note `(a, b)` first."""

    def noted(self, node, a, b):
        pair = ast.Call(ast.Name("__note__", ast.Load()), [a, b], [])
        starred = ast.Call(ast.Name("__apply__", ast.Load()), [self.function(node), pair], [])
        return ast.copy_location(starred, node)

    @staticmethod
    def function(node):
        """`lambda a, b:` the node on `a` and `b`."""
        names = [ast.Name(n, ast.Load()) for n in ("__a__", "__b__")]
        if isinstance(node, ast.BinOp): body = ast.BinOp(names[0], node.op, names[1])
        elif isinstance(node, ast.Compare): body = ast.Compare(names[0], node.ops, [names[1]])
        else: body = ast.Call(node.func, [*names, *node.args[2:]], node.keywords)
        arguments = ast.arguments([], [ast.arg("__a__"), ast.arg("__b__")], None, [], [], None, [])
        return ast.Lambda(arguments, body)

    def visit_BinOp(self, node):
        self.generic_visit(node)
        return self.noted(node, node.left, node.right) if isinstance(node.op, ast.Sub) else node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq): return node
        return self.noted(node, node.left, node.comparators[0])

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        plain = len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args)
        return self.noted(node, *node.args[:2]) if name in PAIRS and plain else node


def failing_assert(file, line):
    """The `assert` statement of `file` that holds `line`, or None."""
    try: tree = ast.parse("".join(linecache.getlines(str(file))))
    except SyntaxError: return None
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Assert) and n.lineno <= line <= n.end_lineno]
    return max(found, key=lambda n: n.lineno, default=None)


def compared(condition, names):
    """The pairs that `condition` compares, evaluated with the variables `names`; none if it now holds."""
    pairs = []
    def note(a, b):
        pairs.append((a, b))
        return a, b
    names = {**names, "__note__": note, "__apply__": lambda function, pair: function(*pair)}
    tree = ast.fix_missing_locations(ast.Expression(Watch().visit(condition)))
    return [] if eval(compile(tree, "<assert>", "eval"), names) else pairs


def as_array(value):
    """`value` as a float64 array, or None if it is no array, list or number."""
    import numpy as np
    if hasattr(value, "detach"): value = value.detach().cpu().double().numpy()
    elif not isinstance(value, np.ndarray) and not (isinstance(value, (list, tuple)) and len(value) > SHORT): return None
    try: made = np.asarray(value)
    except ValueError: return None                                     # a list whose rows differ in length
    return made.astype("float64") if made.dtype.kind in "biuf" else None


def difference(a, b):
    """(how far, sentence) of the largest difference between two arrays; None if they are none or equal."""
    import numpy as np
    number = isinstance(b, (int, float)) and not isinstance(b, bool)
    a, b = as_array(a), np.float64(b) if number else as_array(b)
    if a is None or b is None or not a.size: return None
    if not number and a.shape != b.shape:
        try: a, b = np.broadcast_arrays(a, b)
        except ValueError: return np.inf, f"shapes differ: {a.shape} against {b.shape}"
    a, b = np.broadcast_arrays(a, b)
    with np.errstate(invalid="ignore"): gap = np.abs(a - b)
    gap = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.where(np.isnan(gap), np.inf, gap))
    if not gap.any(): return None
    where = tuple(int(i) for i in np.unravel_index(gap.argmax(), gap.shape))
    spot = f"index {where[0] if len(where) == 1 else where} of {gap.shape}" if where else "single numbers"
    return float(gap.max()), (f"largest difference {gap.max():.3g} at {spot}: {a[where]:.7g} against {b[where]:.7g}; "
                              f"{np.count_nonzero(gap)} of {gap.size} differ")


def explanation(traceback):
    """The sentence on the furthest pair in the assert at the end of `traceback`, or an empty string."""
    last = traceback[-1]
    node = failing_assert(last.path, last.lineno + 1)
    if node is None: return ""
    names = {**vars(builtins), **last.frame.f_globals,
             **{k: v for k, v in last.frame.f_locals.items() if k.isidentifier()}}
    try: found = [d for a, b in compared(node.test, names) if (d := difference(a, b))]
    except Exception: return ""                                        # what cannot be evaluated twice is not explained
    return max(found, default=(0.0, ""))[1]


def shortened(text, lines=LINES, width=WIDTH):
    """The first lines of `text`, each cut to `width` characters; the last line says how many are missing."""
    rows = [row if len(row) <= width else row[: width - 1] + "…" for row in text.splitlines()]
    more = len(rows) - lines
    return "\n".join(rows if more <= 0 else [*rows[:lines], f"… {more} lines more; -vv shows them"])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Put the largest difference first in a failed assertion's message, before pytest makes its report."""
    if call.excinfo is None or not isinstance(call.excinfo.value, AssertionError): return
    if item.config.get_verbosity() >= 2: return
    first, text = explanation(call.excinfo.traceback), str(call.excinfo.value)
    if first:                                           # the arrays themselves say no more
        text = re.split(r"\n(?=\s*\+ |\s*\n)", text)[0]
        first += "\n"
    call.excinfo.value.args = (first + shortened(text),)


def pytest_collection_modifyitems(config, items):
    """With workers (`--dist loadfile --no-loadscope-reorder`): the longest files first, then those of many tests."""
    if not hasattr(config, "workerinput"): return
    sizes = Counter(item.path for item in items)
    def order(item):
        name = item.path.relative_to(Path(__file__).parent).with_suffix("").as_posix()
        return FIRST.index(name) if name in FIRST else len(FIRST), -sizes[item.path]
    items.sort(key=order)


def pytest_configure(config):
    """One short traceback a failure, unless another style was asked for."""
    if config.option.tbstyle == "auto": config.option.tbstyle = "short"
