"""Predictions answered in the page, the reader's progress, the glossary and the pages that open the parts."""
import json

import pytest

CHAPTER = "nbs/40_map.html"


@pytest.fixture
def judge(open_page):
    """The verdict of the site's script on a typed answer."""
    page = open_page("book/progress.html")
    script = "async ([text, known]) => (await import('/_static/progress.js')).judge(text, known)"
    return lambda text, known: page.evaluate(script, [text, known])


def test_answers_are_read_as_people_write_them(judge):
    whole = {"right": [1572864], "whole": True, "wrong": [[[64], "You forgot the layers."]]}
    for text in ("1572864", "1,572,864", "1 572 864", "1_572_864", "1.5 * 2^20", "3 * 2**19", "3 × 524288"):
        assert judge(text, whole) == {"right": True, "text": "✓ Right."}, text
    assert judge("8*8", whole)["text"] == "✗ You forgot the layers."
    assert "larger" in judge("1572863", whole)["text"] and "smaller" in judge("(2)*10^7", whole)["text"]
    for text in ("", "many", "2 +", "alert(1)", "1/"): assert "Type a number" in judge(text, whole)["text"], text


def test_fractions_count_to_three_digits_and_shapes_as_tuples(judge):
    part = {"right": [5 / 14], "whole": False, "wrong": [[[0.5], "Half is too much."]]}
    for text in ("5/14", "0.357", ".3571", "1 - 9/14"): assert judge(text, part)["right"], text
    assert not judge("0.35", part)["right"] and judge("1/2", part)["text"] == "✗ Half is too much."
    shape = {"right": [5, 3, 7], "whole": True, "wrong": []}
    for text in ("(5, 3, 7)", "5 3 7", "[5,3,7]", "5×3×7"): assert judge(text, shape)["right"], text
    assert not judge("5, 3", shape)["right"] and "Type 3 numbers" in judge("?", shape)["text"]


def test_a_prediction_is_diagnosed_and_remembered(open_page):
    page = open_page(CHAPTER)
    form = page.locator("form.ml-predict")
    form.get_by_label("Your prediction").fill(str(4 * 1024**2 + 2 * 1024 * 4096))
    form.get_by_role("button", name="Check").click()
    assert form.get_by_role("status").inner_text() == "✗ That is one block: there are 24."
    form.get_by_label("Your prediction").fill("24 * 12 * 1024^2")
    form.get_by_label("Your prediction").press("Enter")
    assert form.get_by_role("status").inner_text() == "✓ Right."
    page.reload()
    assert form.get_by_role("status").inner_text() == "✓ Right."


def test_progress_is_shown_saved_loaded_and_forgotten(open_page, tmp_path):
    page = open_page(CHAPTER)
    page.wait_for_selector(".ml-widget[data-state=live] .ml-quiz")
    page.get_by_label("In self-attention").check()
    page.locator("form.ml-predict input").fill("301989888")
    page.locator("form.ml-predict input").press("Enter")
    page.keyboard.press("End")
    page.locator(".prev-next-footer, .bd-footer").first.scroll_into_view_if_needed()
    page.wait_for_function("localStorage.getItem('minillm-read-40_map')")
    address = page.url.split("/nbs/")[0]
    page.goto(f"{address}/book/progress.html", wait_until="networkidle")
    row = page.locator("tr[data-chapter='40_map']")
    shown = row.inner_text()
    assert "1 of 3" in shown and "1 of 1" in shown and "20" in row.locator("[data-cell=read]").inner_text()
    with page.expect_download() as download: page.get_by_role("button", name="Save to a file").click()
    file = tmp_path / "mine.json"
    download.value.save_as(file)
    assert set(json.loads(file.read_text())["minillm"]) == {"minillm-read-40_map", "minillm-quiz-40_map",
                                                            "minillm-predict-matrices_of_medium"}
    page.get_by_role("button", name="Forget everything").click()
    assert "1 of 1" not in row.inner_text()
    page.locator(".ml-progress-tools input").set_input_files(file)
    page.wait_for_function("document.querySelector('[role=status]').textContent === 'Loaded 3 entries.'")
    assert row.inner_text() == shown
    other = tmp_path / "other.json"
    other.write_text('{"minillm": {"theme": "dark"}}')
    page.locator(".ml-progress-tools input").set_input_files(other)
    page.wait_for_function("document.querySelector('[role=status]').textContent.includes('no progress of this book')")
    assert row.inner_text() == shown


def test_without_scripts_no_dead_controls_are_shown(open_page):
    page = open_page(CHAPTER, java_script_enabled=False)
    assert not page.locator("form.ml-predict").is_visible()
    page = open_page("book/progress.html", java_script_enabled=False)
    assert not page.get_by_role("button", name="Save to a file").is_visible()


def test_a_term_leads_to_the_glossary_and_back(open_page):
    page = open_page("nbs/01_characters.html")
    page.locator("a.ml-term", has_text="vocabulary").first.click()
    page.wait_for_url("**/book/glossary.html#term-vocabulary")
    entry = page.locator("dt", has=page.locator("#term-vocabulary"))
    assert entry.is_visible() and "vocabulary" in entry.inner_text()
    entry.locator("xpath=following-sibling::dd[1]").get_by_role("link").click()
    page.wait_for_url("**/nbs/01_characters.html")


def test_a_part_opens_with_its_picture_and_its_chapters(open_page):
    page = open_page("book/preface.html")
    page.get_by_role("link", name="III · The transformer").first.click()
    page.wait_for_url("**/book/parts/03_transformer.html")
    assert page.locator(".ml-opener svg").is_visible()
    assert page.locator("dl a", has_text="The map of a GPT").count() == 1
