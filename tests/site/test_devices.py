"""No shown cell of chapters 17 to 39 leaves a model on the processor in silence when there is a card."""
import ast
import json
import re

import pytest
from conftest import ROOT

MAKERS = {"Decoder", "ViT", "VisionTower", "VisionLanguageModel", "RewardModel", "load_model", "load_pretrained", "open_model"}
HIDDEN = re.compile(r"^#\|\s*(exporti?|test|exercise|answer|check|hide|echo: false|default_exp)\b", re.MULTILINE)
WORD = re.compile(r"\*\*Runs on\*\* the processor[^\n]*(?:\n(?!\n)[^\n]+)*")
LINE = re.compile(r"^device = pick_device\(\)", re.MULTILINE)
CHAPTERS = [path for path in sorted((ROOT / "nbs").glob("*.ipynb")) if "17" <= path.name[:2] <= "39"]
ON_A_CARD = {"28_speed", "29_decoding", "30_speedrun", "33_lora", "35_verifier", "36_quantization"}


def makes(source: str) -> set[str]:
    """The models that a cell makes or opens."""
    calls = [node.func for node in ast.walk(ast.parse(re.sub(r"^#\|.*$", "", source, flags=re.MULTILINE))) if isinstance(node, ast.Call)]
    return MAKERS & {getattr(call, "id", getattr(call, "attr", "")) for call in calls}


def moves(source: str) -> bool:
    """Whether a cell takes its model to the device that was found."""
    return bool(re.search(r"\.to\(device\b|\bdevice=|, device[,)]", source))


def shown(cells: list[dict]) -> list[tuple[str, str, str]]:
    """Each shown cell of code: its id, its source, and the heading above it."""
    found, heading = [], ""
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = ([heading, *re.findall(r"^## (.+)$", source, re.MULTILINE)])[-1]
        elif not HIDDEN.search(source): found.append((cell["id"], source, heading))
    return found


def silent(cells: list[dict]) -> list[str]:
    """Ids of the shown cells whose model stays on the processor though no word of the chapter says so."""
    opening = next("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    told = bool(WORD.search(opening))
    return [name for name, source, heading in shown(cells)
            if makes(source) and not moves(source) and (not told or heading == "On a card")]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_models_move_or_the_chapter_says_that_they_do_not(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not silent(cells), ("move the model with `.to(device)`, or say in the opening '**Runs on** the processor, …' "
                               f"with the reason: {silent(cells)}")


@pytest.mark.parametrize("path", [p for p in CHAPTERS if p.stem in ON_A_CARD], ids=lambda path: path.stem)
def test_a_section_on_a_card_has_its_one_line_and_says_what_happens_without(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    own = [source for _, source, heading in shown(cells) if heading == "On a card"]
    assert sum(len(LINE.findall(source)) for source in own) == 1
    assert any("yours to make" in source for source in own)
    assert any(f"minillm.studies.card_{name}" in "".join(own) for name in
               ("decoding", "speedrun", "lora", "grpo", "products")) or "measure_lever(" in "".join(own)


def cell(kind: str, source: str) -> dict:
    return {"cell_type": kind, "id": source[:6], "source": [source]}


def test_the_rule_sees_what_stays_behind():
    made, moved = cell("code", "m = Decoder(c)"), cell("code", "n = Decoder(c).to(device)")
    word = cell("markdown", "# A\n\n**Runs on** the processor, because it is small.")
    card = cell("markdown", "## On a card")
    assert silent([cell("markdown", "# A"), made, moved]) == ["m = De"]
    assert silent([word, made, moved]) == []
    assert silent([word, card, made, moved]) == ["m = De"]                    # there the word does not count
    assert silent([cell("markdown", "# A"), cell("code", "#| test\nm = Decoder(c)")]) == []
    assert makes("x = open_model(name)") == {"open_model"} and not makes("print('Decoder(c)')")
