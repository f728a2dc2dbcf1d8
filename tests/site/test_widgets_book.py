"""The widgets where readers meet them: in chapters of the built book, with no kernel behind the page."""
import pytest

from minillm.plot import number_text
from minillm.widgets.attention import EXAMPLES, AttentionWidget, head_steps
from minillm.widgets.rope import RopeWidget

ROPE, ATTENTION = "nbs/11_positions.html", "nbs/09_attention.html"


def wait_live(page, selector):
    """Wait until the host script has put the widget where its first picture was."""
    page.wait_for_selector(f".ml-widget[data-state=live] {selector}")
    page.wait_for_timeout(60)                                             # two frames


@pytest.mark.parametrize("width", [1280, 390])
def test_rope_slider_in_the_chapter(open_page, width):
    page = open_page(ROPE, width=width)
    wait_live(page, ".ml-rope")
    shown = page.locator(".ml-rope [data-number=total]")
    assert shown.inner_text() == number_text(RopeWidget().product(), 2)
    knob = page.get_by_label("query position")
    knob.scroll_into_view_if_needed()
    box = knob.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    knob.press("ArrowRight")
    page.wait_for_timeout(60)
    query = int(knob.input_value())
    assert query > 30 and shown.inner_text() == number_text(RopeWidget(query=query).product(), 2)


def test_attention_in_the_chapter(open_page):
    page = open_page(ATTENTION)
    wait_live(page, ".ml-attention")
    layer, head = map(int, AttentionWidget().head.split("."))
    page.get_by_label("example").select_option(EXAMPLES[1])
    page.get_by_label("causal mask").uncheck()
    page.wait_for_timeout(60)
    want = head_steps(EXAMPLES[1], layer, head, causal=False)["weights"]
    rows = page.locator("[data-step=weights] tbody tr").all()
    shown = [[float(x.replace("−", "-")) for x in row.locator("td").all_inner_texts()] for row in rows]
    assert len(shown) == len(want)
    assert all(abs(a - b) < 0.00502 for row, true in zip(shown, want.tolist()) for a, b in zip(row, true))
    page.get_by_label("sentence").fill("Max <img src=x onerror=window.hacked=1>")
    page.wait_for_timeout(60)
    assert page.locator(".ml-attention img").count() == 0 and page.evaluate("window.hacked") is None


@pytest.mark.parametrize("path", [ROPE, ATTENTION])
def test_quiz_in_the_chapter(open_page, path):
    page = open_page(path)
    wait_live(page, ".ml-quiz")
    first = page.locator(".ml-quiz fieldset").first
    assert "✓" not in first.inner_text() and "✗" not in first.inner_text()
    first.locator("input").first.check()
    assert "✓" in first.inner_text() or "✗" in first.inner_text()


@pytest.mark.parametrize("path, text", [(ROPE, "How fast each pair turns"), (ATTENTION, "weights T×S = 8×8")])
def test_first_picture_in_the_chapter(open_page, path, text):
    page = open_page(path, java_script_enabled=False)
    assert page.locator(".ml-widget").filter(has_text=text).count() == 1
    assert all(page.locator(".ml-widget").nth(i).is_visible() for i in range(page.locator(".ml-widget").count()))
