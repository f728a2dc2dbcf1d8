"""The decks and the teaching pages: what they name exists, and in a browser every slide stays within its frame."""
import ast
import re

import pytest
from conftest import HTML, ROOT, serious

from minillm.nbtools.deck_pdf import SLIDE_HEIGHT, SLIDE_WIDTH, print_deck
from minillm.nbtools.exercise import all_exercises
from minillm.nbtools.slides import MEASURED, SHOWN, all_decks, check_reference, measured, read_deck

DECKS = {deck.name: deck for deck in all_decks(ROOT)}
SOURCES = {name: (ROOT / "book/slides" / f"{name}.md").read_text(encoding="utf-8") for name in DECKS}


def test_there_are_five_decks_of_twenty_to_thirty_slides():
    assert len(DECKS) == 5
    assert all(20 <= len(deck.slides) <= 30 for deck in DECKS.values()), {n: len(d.slides) for n, d in DECKS.items()}


@pytest.mark.parametrize("name", DECKS)
def test_what_a_deck_refers_to_exists(name):
    text = SOURCES[name]
    shown = list(SHOWN.finditer(text))
    assert shown and text.count("{shown}") == len(shown)
    for match in shown:
        kind = re.search(r":kind: (\w+)", match[2])
        check_reference(ROOT, match[1], kind[1] if kind else "")
    for match in MEASURED.finditer(text): assert measured(ROOT, match[1])
    for stem in re.findall(r"\{chapter\}`(\w+)`", text): assert (ROOT / "nbs" / f"{stem}.ipynb").exists(), stem


@pytest.mark.parametrize("name", DECKS)
def test_the_last_slide_gives_exercises_of_the_chapter_it_names(name):
    """Every name in backquotes there is an exercise, or a file or function that the slide does not ask for."""
    last = SOURCES[name].rpartition("\n## ")[2]
    asked = re.findall(r"(?<!\})`([a-z_]+)`", last.partition(":::{notes}")[0])
    assert asked and not [e for e in asked if e not in all_exercises()]
    chapters = re.findall(r"\{chapter\}`(\w+)`", last)
    assert {all_exercises()[e]["chapter"] for e in asked} >= set(chapters)


@pytest.mark.parametrize("name", DECKS)
def test_numbers_that_were_measured_are_not_typed(name):
    """On a slide, a decimal number or a thousands comma stands in a role or a formula, or nowhere."""
    body = re.sub(r":::\{notes\}.*?^:::$", "", SOURCES[name], flags=re.DOTALL | re.MULTILINE)
    plain = re.sub(r"\{\w+\}`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", "", body, flags=re.DOTALL)
    assert not re.findall(r"\d+[.,]\d+|\d+ ?%", plain)


def test_functions_shown_as_code_exist():
    for text in SOURCES.values():
        for path, name in re.findall(r"\{literalinclude\} (\S+)\n:pyobject: (\w+)", text):
            tree = ast.parse((ROOT / "book/slides" / path).resolve().read_text(encoding="utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


# step through a deck in one go: of each slide, what reaches over the edge of the frame
WALK = """async ([width, height]) => {
  const found = [], wait = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (let i = 0; i < Reveal.getTotalSlides(); i++) {
    Reveal.slide(i);
    await wait();
    const slide = Reveal.getCurrentSlide();
    for (const e of slide.querySelectorAll("*")) {
      if (e.closest("aside.notes, mjx-assistive-mml") || (e.closest("svg") && e.tagName !== "svg")) continue;
      if (e.parentElement.closest(".ml-scroll, .ml-tale")) continue;                   // it scrolls in a box of its own
      const style = getComputedStyle(e), r = e.getBoundingClientRect();
      if (style.visibility === "hidden" || r.width * r.height === 0) continue;
      if (r.left < -1 || r.top < -1 || r.right > width + 1 || r.bottom > height + 1)
        found.push(`${i + 1} ${slide.querySelector("h1, h2").textContent}: ${e.tagName} ${[r.left, r.top, r.right, r.bottom].map(Math.round)}`);
    }
    // nothing lies over the line that names the chapter
    for (const source of slide.querySelectorAll(".ml-source")) {
      const s = source.getBoundingClientRect(), before = source.previousElementSibling?.getBoundingClientRect();
      if (before && before.bottom > s.top + 1) found.push(`${i + 1}: something lies over its source line`);
    }
  }
  return [Reveal.getTotalSlides(), found];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", DECKS)
def test_every_slide_stays_within_its_frame(open_page, name, theme):
    page = open_page(f"slides/{name}.html", width=SLIDE_WIDTH, theme=theme)
    page.set_viewport_size({"width": SLIDE_WIDTH, "height": SLIDE_HEIGHT})
    page.wait_for_function("Reveal.isReady() && !document.querySelector('.ml-widget:not([data-state=live])')")
    page.wait_for_timeout(400)                                       # formulas are set, widgets are fitted
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (theme == "dark"), f"{theme}, but the ground is {ground}"
    assert page.locator(".ml-missing").count() == 0, page.locator(".ml-missing").all_inner_texts()
    n, outside = page.evaluate(WALK, [SLIDE_WIDTH, SLIDE_HEIGHT])
    assert n == len(DECKS[name].slides)
    assert not outside, "\n".join(outside)


def test_keys_belong_to_a_widget_while_it_has_the_focus(open_page):
    page = open_page("slides/2_transformer.html", width=SLIDE_WIDTH)
    page.wait_for_function("Reveal.isReady() && !document.querySelector('.ml-widget:not([data-state=live])')")
    n = page.evaluate("[...document.querySelectorAll('.slides > section')].findIndex((s) => s.querySelector('.ml-rope'))")
    page.evaluate(f"Reveal.slide({n})")
    page.locator(".ml-rope button").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == n
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices().h") == n + 1


def test_speaker_notes_and_pace_are_in_the_deck(open_page):
    page = open_page("slides/1_recurrence.html", width=SLIDE_WIDTH)
    deck = DECKS["1_recurrence"]
    timing = page.evaluate("[...document.querySelectorAll('section[data-timing]')].map((s) => Number(s.dataset.timing))")
    assert timing == [60 * slide.minutes for slide in deck.slides]
    notes = page.evaluate("[...document.querySelectorAll('aside.notes')].map((n) => n.textContent)")
    assert len(notes) == len(deck.slides) and "Say what the day is for" in notes[0]


def test_a_deck_is_printed_one_page_a_slide(browser, site, tmp_path):
    from pypdf import PdfReader
    deck = DECKS["3_modern"]
    assert print_deck(browser, site, deck, tmp_path / "deck.pdf") == len(deck.slides)
    reader = PdfReader(tmp_path / "deck.pdf")
    assert len(reader.outline) == len(deck.slides) and "Modern innovations" in reader.pages[0].extract_text()
    for page, slide in zip(reader.pages, deck.slides): assert slide.title.split()[0] in page.extract_text(), slide.title


def test_a_deck_that_was_changed_is_not_printed_unnoticed(browser, site, tmp_path):
    other = read_deck("1_recurrence", SOURCES["1_recurrence"] + "\n## One more\n\n:::{notes} 1\nNew.\n:::\n")
    with pytest.raises(ValueError, match="is the site built from this deck"):
        print_deck(browser, site, other, tmp_path / "deck.pdf")


def test_the_teaching_pages_link_decks_and_courses():
    text = (HTML / "book/teaching/workshop.html").read_text(encoding="utf-8")
    assert text.count('class="ml-course') == 4 and "<!-- course" not in text
    for name in DECKS: assert f'href="../../slides/{name}.html' in (HTML / "book/slides/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["book/slides/index.html", "book/teaching/workshop.html", "book/teaching/checklists.html"])
def test_a_teaching_page_passes_axe_on_a_phone(open_page, page, theme):
    opened = open_page(page, width=390, theme=theme)
    opened.wait_for_timeout(300)
    found = serious(opened, theme)
    assert not found, found
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), "the page scrolls sideways"
