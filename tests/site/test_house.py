"""The house: packages form a ladder, studies stand apart, and a public name has one home."""
import ast
import doctest
import importlib
from collections import defaultdict
from functools import cache

from conftest import ROOT

LADDER = [{"errors", "files", "device", "hardware", "keys", "processor", "metrics", "intervals", "plot", "prose"},
          {"tokenizer", "layers", "models", "config", "data"},
          {"decoding"}, {"quant"}, {"checkpoint"}, {"train"}, {"worlds"},
          {"verifier", "retrieval", "evaluation", "serve", "adapt"},
          {"widgets"}, {"studies"}, {"commands", "cli"}, {"nbtools"}]
RANK = {name: i for i, step in enumerate(LADDER) for name in step}
# (importing module, package): why it is right all the same
EXCEPTIONS: dict[tuple[str, str], str] = {}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the library below `minillm`, by name, as a tree."""
    files = [f for f in (ROOT / "minillm").rglob("*.py") if f.name != "__init__.py" and f.name != "__main__.py"]
    return {".".join(f.relative_to(ROOT / "minillm").with_suffix("").parts): ast.parse(f.read_text(encoding="utf-8"))
            for f in sorted(files)}


def imported(module: str, tree: ast.Module) -> set[str]:
    """The modules of ours that a module imports, at the top or inside of a function."""
    parts, found = ["minillm", *module.split(".")], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import): found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = parts[:len(parts) - node.level] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{source}.{a.name}" for a in node.names}
    return {name.removeprefix("minillm.") for name in found if name.startswith("minillm.")}


def test_packages_form_a_ladder():
    assert {m.split(".")[0] for m in modules()} == set(RANK), "a package stands on no step of the ladder"
    wrong = [f"{module} imports {used}, which stands above it"
             for module, tree in modules().items() for used in sorted(imported(module, tree))
             if RANK.get(used.split(".")[0], -1) > RANK[module.split(".")[0]]
             and (module, used.split(".")[0]) not in EXCEPTIONS]
    assert not wrong, "\n".join(wrong)


def test_packages_of_one_step_make_no_circle():
    uses = defaultdict(set)
    for module, tree in modules().items():
        here = module.split(".")[0]
        uses[here] |= {u.split(".")[0] for u in imported(module, tree)} - {here}

    def reach(start: str) -> set[str]:
        seen, todo = set(), [start]
        while todo:
            for used in uses[todo.pop()] - seen:
                seen.add(used)
                todo.append(used)
        return seen
    circles = sorted(p for p in list(uses) if p in reach(p))
    assert not circles, f"these packages import each other in a circle: {circles}"


def test_only_commands_import_studies():
    wrong = [f"{module} imports {used}" for module, tree in modules().items()
             if module.split(".")[0] not in ("commands", "cli", "studies", "nbtools")
             for used in sorted(imported(module, tree)) if used.startswith("studies")]
    assert not wrong, "a study is a run that uses the library; only a command may start it:\n" + "\n".join(wrong)


def public(tree: ast.Module) -> list[str]:
    """The names in a module's `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [e.value for e in node.value.elts if isinstance(e, ast.Constant)]
    return []


def test_a_public_name_has_one_home():
    homes = defaultdict(list)
    for module, tree in modules().items():
        for name in public(tree): homes[name].append(module)
    twice = [f"{name}: {', '.join(where)}" for name, where in sorted(homes.items()) if len(where) > 1 and name != "main"]
    assert not twice, "a name in the prose links to its one definition; these have several:\n" + "\n".join(twice)


# what the library writes with; who may take the plain form of a model, and why
WRITERS = {"complete", "write_tokens", "write_texts", "write_steps", "beam_search", "speculative", "stream"}
PLAIN = {"decoding.batch": "the loop itself, which is given a form",
         "studies.parity": "compares the plain form with other libraries",
         "studies.serving_load": "the reference that the server's answers are held to",
         "studies.benchmark_generate": "a race of the forms against each other"}


def written_with(tree: ast.Module) -> list[tuple[str, ast.expr]]:
    """Every call of a writer in a module, and what it writes with: its first argument."""
    return [(node.func.id, node.args[0]) for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITERS and node.args]


def is_form(given: ast.expr, tree: ast.Module) -> bool:
    """Whether this is `fast_form(...)`, or a name that was set to it."""
    if isinstance(given, ast.Call): return getattr(given.func, "id", "") == "fast_form"
    if not isinstance(given, ast.Name): return False
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(getattr(t, "id", "") == given.id for t in targets) and node.value is not None and is_form(node.value, tree):
            return True
    return False


def test_everything_writes_with_the_fast_form():
    slow, plain = [], []
    for module, tree in modules().items():
        if module in PLAIN: continue
        if "decoding.sample.generate" in imported(module, tree): slow.append(module)
        if module.startswith("decoding.") and module != "decoding.chat": continue        # the writers themselves
        plain += [f"{module}: {name}({ast.unparse(given)}, ...)" for name, given in written_with(tree)
                  if not is_form(given, tree)]
    assert not slow, f"these step through the plain model with `generate`; write with `fast_form` and `complete`: {slow}"
    assert not plain, "write with `fast_form(model)`, which falls back to the model by itself:\n" + "\n".join(plain)


def test_the_list_of_exceptions_is_not_longer_than_it_must_be():
    for module in PLAIN:
        tree = modules()[module]
        assert ("decoding.sample.generate" in imported(module, tree)
                or any(not is_form(given, tree) for _, given in written_with(tree))), f"{module} needs no exception"


def test_the_seam_sees_a_slow_writer():
    tree = ast.parse("form = fast_form(m)\ncomplete(form, ids)\ncomplete(fast_form(m), ids)\ncomplete(m, ids)\nstream(self.model, ids)")
    assert [is_form(given, tree) for _, given in written_with(tree)] == [True, True, False, False]


# what opens one kind of file; who may call it beside the door, and why
OPENERS = {"load_model", "load_pretrained", "load_huggingface_model", "load_quantized", "load_gguf", "open_gguf", "load_adapter"}
EARLY = "its chapter stands before the door's, because the door opens what it makes"
BESIDE_THE_DOOR = {"checkpoint.open": "the door",
                   "checkpoint.huggingface": "`load_pretrained`, which chapter 26 builds, takes a run too",
                   "studies.parity": "reads folders of other libraries, which have no tokenizer",
                   "studies.benchmark_quality": EARLY, "studies.finetuning": EARLY, "studies.lora": EARLY,
                   "studies.quantization": EARLY}


def test_whatever_a_user_names_is_opened_by_one_door():
    users = {module: sorted(used) for module, tree in modules().items()
             if (used := {u.split(".")[-1] for u in imported(module, tree) if u.startswith("checkpoint.")} & OPENERS)}
    wrong = [f"{module} opens with {', '.join(used)}" for module, used in users.items() if module not in BESIDE_THE_DOOR]
    assert not wrong, "use `open_model`, which knows device, template and ends:\n" + "\n".join(wrong)
    assert set(users) == set(BESIDE_THE_DOOR), "an exception that nobody needs any more"
    homes = {name for module, tree in modules().items() if module.startswith("checkpoint.") for name in public(tree)}
    assert homes >= OPENERS, f"openers that are gone: {OPENERS - homes}"


def test_no_message_leads_to_the_package_of_another_project():
    """Another project has the name `minillm` on the public index: a message names the library that is missing."""
    wrong = [f"{module}: {node.value[:80]}" for module, tree in modules().items() if module != "nbtools.export"
             for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
             and ("minillm[" in node.value or "pip install minillm" in node.value)]
    assert not wrong, "\n".join(wrong)


def test_every_example_in_a_docstring_gives_what_it_says():
    """A name that was changed, or a result that was, is noticed by nobody else."""
    wrong, tried = [], 0
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    for name in modules():
        module, said = importlib.import_module(f"minillm.{name}"), []
        for test in finder.find(module, module.__name__):
            if not test.examples or test.globs["__name__"] != module.__name__: continue
            tried += 1
            if runner.run(test, out=said.append).failed: wrong.append(f"{test.name}: {''.join(said).splitlines()[-1]}")
    assert not wrong, "\n".join(wrong)
    assert tried > 150, tried
