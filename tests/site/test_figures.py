"""Figures that answer, on a page of the built book: read, switched, recoloured, printed, and still there without script."""
import re

import pytest
from conftest import HTML, serious

from minillm.plot import PALETTE

PAGE = "nbs/00_setup.html"
CURVES = ["step size 0.02", "step size 0.2", "floor σ² = 0.25"]


def live(page):
    """The first figure, once it has come into view and answers."""
    place = page.locator(".ml-live").first
    place.scroll_into_view_if_needed()
    page.wait_for_selector(".ml-live[data-state=live]")
    page.wait_for_timeout(200)
    return place


def drawn(place):
    """The colours of the curves that are drawn, without their bands."""
    found = place.locator(".scatterlayer .js-line").evaluate_all("all => all.map((e) => getComputedStyle(e).stroke)")
    return {"#{:02x}{:02x}{:02x}".format(*map(int, re.findall(r"\d+", c)[:3])) for c in found}


def names(place): return place.locator(".annotation-text").all_text_contents()


def test_plotly_is_loaded_when_a_figure_comes_near_and_from_nowhere_else(open_page):
    page = open_page(PAGE)
    loaded = "performance.getEntriesByType('resource').map((r) => r.name).filter((n) => n.includes('plotly'))"
    assert page.evaluate(loaded) == [] and page.locator(".ml-live .ml-still svg").count() > 0
    live(page)
    assert [n.rpartition("/")[2] for n in page.evaluate(loaded)] == ["plotly.min.js"]


def test_no_page_without_a_figure_knows_of_the_script():
    for file in (HTML / "nbs").glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert ('src="../_static/figure.js"' in text) == ('class="ml-live"' in text), file.name
    assert (HTML / "_static/plotly.min.js").exists()


def test_the_mouse_reads_all_curves_at_one_step(open_page):
    page = open_page(PAGE)
    place = live(page)
    box = place.locator(".nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=5)
    page.wait_for_timeout(200)
    shown = place.locator(".hoverlayer").text_content()
    assert re.search(r"step (29|30)", shown) and all(name in shown for name in CURVES)
    assert re.search(r"step size 0\.2 : [\d.]+ \([\d.]+ to [\d.]+\)", shown)


def test_the_keyboard_reads_a_curve_and_goes_to_the_next(open_page):
    page = open_page(PAGE)
    place = live(page)
    place.locator(".ml-plot").focus()
    reading = place.locator(".ml-reading")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert reading.inner_text().startswith("step size 0.02: mean squared error") and reading.inner_text().endswith("step 1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert reading.inner_text().startswith("step size 0.2:") and reading.inner_text().endswith("step 59")
    page.wait_for_function("document.querySelector('.ml-live .hoverlayer').textContent.includes('step 59')")
    page.keyboard.press("Escape")
    assert reading.inner_text() == ""


def test_a_button_switches_a_curve_with_its_band_and_its_name(open_page):
    page = open_page(PAGE)
    place = live(page)
    assert names(place) == CURVES and place.locator(".scatterlayer .trace").count() == 5
    button = place.get_by_role("button", name="step size 0.02")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert button.get_attribute("aria-pressed") == "false"
    assert names(place) == CURVES[1:] and place.locator(".scatterlayer .trace").count() == 3
    button.click()
    page.wait_for_timeout(300)
    assert names(place) == CURVES and place.locator(".scatterlayer .trace").count() == 5


def test_the_theme_recolours_what_the_reader_has_zoomed(open_page):
    page = open_page(PAGE)
    place = live(page)
    assert {PALETTE["light"]["expert"][0], PALETTE["light"]["expert"][1], PALETTE["light"]["floor"]} <= drawn(place)
    box = place.locator(".nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 120, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    ticks = place.locator(".xtick").all_text_contents()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(500)
    assert {PALETTE["dark"]["expert"][0], PALETTE["dark"]["expert"][1], PALETTE["dark"]["floor"]} <= drawn(place)
    assert place.locator(".xtick").all_text_contents() == ticks


def test_without_script_and_in_print_the_still_picture_stands(open_page):
    page = open_page(PAGE, java_script_enabled=False)
    still = page.locator(".ml-live .ml-still svg").first
    assert still.is_visible() and "step size 0.2" in still.get_attribute("aria-label")
    page = open_page(PAGE)
    place = live(page)
    assert not place.locator(".ml-still").is_visible()
    page.emulate_media(media="print")
    assert place.locator(".ml-still svg").is_visible() and not place.locator(".ml-plot").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_live_figure_fits_a_phone_and_passes_axe(open_page, theme):
    page = open_page(PAGE, width=390, theme=theme, has_touch=True, is_mobile=True)
    place = live(page)
    assert names(place) == []                                            # the buttons name the curves where it is narrow
    assert place.locator("button[aria-pressed]").all_inner_texts() == CURVES
    found = serious(page, theme, context=".ml-live")
    assert not found, found
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), "the page scrolls sideways"
