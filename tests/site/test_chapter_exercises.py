"""What every chapter has: an exercise with its known mistakes, a finding, and its row of the scoreboard."""
import json
import re
from pathlib import Path

import pytest

from minillm.worlds.scoreboard import BOARD

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(p for p in (ROOT / "nbs").glob("*.ipynb") if int(p.name[:2]) < 52)


def sources(path: Path) -> list[tuple[str, str]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(c["cell_type"], "".join(c["source"])) for c in cells]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_investigate_ends_in_a_finding_that_is_folded(path):
    told = [text for kind, text in sources(path) if kind == "markdown"]
    asked = [i for i, text in enumerate(told) if "**Investigate.**" in text or "Investigate.**" in text]
    assert asked, f"{path.stem} has nothing to investigate"
    assert any("dropdown}" in text for text in told[asked[-1]:]), f"{path.stem}: no finding behind its Investigate"


@pytest.mark.parametrize("path", [p for p in CHAPTERS if not p.name.startswith("00")], ids=lambda p: p.stem)
def test_a_chapter_asks_for_code_and_knows_three_mistakes(path):
    made = json.loads((ROOT / "minillm" / "exercises" / f"{path.stem}.json").read_text(encoding="utf-8"))["exercises"]
    known = {name: sum(line.startswith("def wrong_") for line in e["answer"]) for name, e in made.items()}
    lines = {name: len("\n".join(e["exercise"]).split("### BEGIN SOLUTION")[1].split("### END")[0].strip().splitlines())
             for name, e in made.items()}
    assert any(known[name] >= 3 and lines[name] >= 3 for name in made), (known, lines)


def test_the_board_has_the_chapters_that_enter_it():
    order = re.findall(r"nbs/(\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    entering = {p.stem for p in (ROOT / "nbs").glob("*.ipynb") for _, text in sources(p)
                if re.search(r'^enter_board\("', text, re.M)}
    assert entering == set(BOARD) and [c for c in order if c in BOARD] == list(BOARD)
    rows = {file.stem for file in (ROOT / "book" / "runs" / "scoreboard").glob("*.json")}
    assert rows <= set(BOARD)
