"""The widgets in a real browser, each on a page of its own: driven by mouse, keyboard and typed text."""
import functools
import http.server
import threading

import pytest
import traitlets
from conftest import Quiet, serious

from minillm.plot import number_text
from minillm.widgets.attention import EXAMPLES, AttentionWidget, head_steps
from minillm.widgets.core import Widget, widget_page
from minillm.widgets.quiz import quiz
from minillm.widgets.rope import RopeWidget

HACK = "<img src=x onerror=window.hacked=1>"
QUIZ = [("One?", [("first", "Reason one.", False), ("second", "A reason that is longer. " * 6, True)]),
        ("Two?", [(HACK, HACK, True), ("other", "No.", False)])]


def all_widgets() -> list[Widget]:
    return [RopeWidget(), AttentionWidget(), quiz("test", QUIZ)]


@pytest.fixture
def open_widgets(browser, tmp_path):
    """Open a page with widgets; afterwards no console error and no request to another host may have happened."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    contexts, errors, outside, allowed = [], [], [], []

    def go(*widgets, width=1280, theme="light", init="", expect_error="", **options):
        allowed.append(expect_error)
        (tmp_path / "index.html").write_text(widget_page(*widgets, title="Test"), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        contexts.append(context)
        if init: context.add_init_script(init)
        page = context.new_page()
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else outside.append(r.url))
        page.goto(f"{address}/index.html")
        if options.get("java_script_enabled", True):
            page.wait_for_function("[...document.querySelectorAll('.ml-widget')].every((w) => w.dataset.state)")
            page.wait_for_timeout(60)                                     # two frames
        return page

    yield go
    for context in contexts: context.close()
    server.shutdown()
    unexpected = [e for e in errors if not any(a and a in e for a in allowed)]
    assert not unexpected, unexpected
    assert not outside, outside


def settle(page):
    """Until the page has drawn: its own clock and two frames of its own, however busy the machine is."""
    page.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 60))")


def drag(page, label, to, role=None):
    """Drag the slider `label` to the share `to` of its length; return its new value."""
    knob = page.get_by_role(role, name=label) if role else page.get_by_label(label)
    knob.scroll_into_view_if_needed()
    box, y = knob.bounding_box(), 0.5
    lowest, highest, now = (float(knob.evaluate(f"e => e.{name}")) for name in ("min", "max", "value"))
    x = box["x"] + 8 + (box["width"] - 16) * (now - lowest) / (highest - lowest)
    page.mouse.move(x, box["y"] + box["height"] * y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * to, box["y"] + box["height"] * y, steps=8)
    page.mouse.up()
    settle(page)
    return float(knob.input_value())


def number(page, name): return page.locator(f".ml-rope [data-number={name}]").inner_text()


def height(page, selector): return round(page.locator(selector).bounding_box()["height"])


def test_rope_slider_is_dragged_and_numbers_follow_python(open_widgets):
    page = open_widgets(RopeWidget())
    assert number(page, "total") == number_text(RopeWidget().product(), 2)
    before = height(page, ".ml-rope")
    query = int(drag(page, "query position", 0.7))
    assert query > 30
    assert number(page, "total") == number_text(RopeWidget(query=query).product(), 2)
    key = int(drag(page, "key position", 0.2))
    want = RopeWidget(query=query, key=key)
    assert number(page, "total") == number_text(want.product(), 2)
    shift = int(drag(page, "shift both", 0.5))
    assert shift > 20 and number(page, "total") == number_text(want.product(), 2)         # only the distance counts
    assert f"Query at {query + shift}, key at {key + shift}" in page.locator(".ml-read").inner_text()
    assert height(page, ".ml-rope") == before


def test_rope_by_keyboard(open_widgets):
    page = open_widgets(RopeWidget())
    page.get_by_label("query position").focus()
    for _ in range(3): page.keyboard.press("ArrowRight")
    settle(page)
    assert number(page, "total") == number_text(RopeWidget(query=12).product(), 2)
    page.keyboard.press("End")
    settle(page)
    assert "No training text had this distance" in page.locator(".ml-read").inner_text()
    page.get_by_label("pairing").select_option("interleaved")
    page.get_by_label("base").select_option("10000")
    settle(page)
    want = RopeWidget(query=63, pairing="interleaved", base=10000.0)
    assert number(page, "total") == number_text(want.product(), 2)
    assert page.locator(".ml-table tbody tr").nth(1).locator("td").all_inner_texts()[1] == "2, 3"
    page.get_by_role("button", name="Reset").press("Enter")
    settle(page)
    assert number(page, "total") == number_text(RopeWidget().product(), 2)


def weights_on(page):
    rows = page.locator("[data-step=weights] tbody tr").all()
    return [row.locator("td").all_inner_texts() for row in rows]


def close(shown, want):
    """Printed numbers against PyTorch's: half a unit of the last digit, and what fp32 leaves open."""
    got = [[float(x.replace("−", "-")) for x in row] for row in shown]
    return all(abs(a - b) < 0.00502 for row, true in zip(got, want.tolist()) for a, b in zip(row, true))


def test_attention_shows_what_pytorch_computes(open_widgets):
    widget = AttentionWidget()
    page = open_widgets(widget)
    layer, head = map(int, widget.head.split("."))
    before = height(page, ".ml-attention")
    assert close(weights_on(page), head_steps(EXAMPLES[0], layer, head)["weights"])
    assert page.locator("[data-step=scores] caption").inner_text() == "scores T×S = 8×8"
    page.get_by_label("head").select_option("0.2")
    temperature = drag(page, "temperature", 0.8)
    page.get_by_label("causal mask").uncheck()
    settle(page)
    assert temperature > 2 and close(weights_on(page), head_steps(EXAMPLES[0], 0, 2, False, temperature)["weights"])
    page.get_by_label("example").select_option(EXAMPLES[2])
    settle(page)
    assert close(weights_on(page), head_steps(EXAMPLES[2], 0, 2, False, temperature)["weights"])
    assert height(page, ".ml-attention") == before
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert close(weights_on(page), head_steps(EXAMPLES[0], layer, head)["weights"])


def test_typed_text_stays_text(open_widgets):
    page = open_widgets(AttentionWidget())
    before = height(page, ".ml-attention")
    page.get_by_label("sentence").fill(f"Max {HACK}")
    settle(page)
    chips = page.locator(".ml-chip").all_inner_texts()
    assert chips[0] == "max" and chips[1].startswith("<") and "img unknown" in chips[2]
    assert page.locator(".ml-attention img").count() == 0 and page.evaluate("window.hacked") is None
    assert "unknown to the model" in page.locator(".ml-attention > .ml-note").inner_text()
    assert height(page, ".ml-attention") == before
    page.get_by_label("sentence").fill("")
    settle(page)
    assert "Type a word" in page.locator(".ml-attention > .ml-note").inner_text()
    page.get_by_label("sentence").fill("max")
    settle(page)
    assert weights_on(page) == [["1.00"]] and height(page, ".ml-attention") == before


def test_matrix_by_keyboard_and_touch(open_widgets):
    page = open_widgets(AttentionWidget(), width=390, has_touch=True)
    cell = page.locator("[data-step=scores] td[data-on=true]")
    cell.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    settle(page)
    steps = head_steps(EXAMPLES[0], *map(int, AttentionWidget().head.split(".")))
    about = page.locator("[data-step=weights] .ml-cell").inner_text()
    assert about == "came → max"                                                  # one row up, first column
    shown = page.locator("[data-step=scores] .ml-sum").inner_text()
    assert abs(float(shown.split("=")[-1].replace("−", "-")) - float(steps["scores"][6, 0])) < 0.00502
    page.locator("[data-step=output] tbody tr").nth(2).locator("td").nth(3).tap()
    settle(page)
    assert page.locator("[data-step=output] .ml-cell").inner_text() == "sad, dimension 3"
    page.locator(".ml-chip").nth(4).tap()
    settle(page)
    assert page.locator("[data-step=output] .ml-cell").inner_text() == "soon, dimension 3"


def test_quiz_answers_in_words_and_remembers(open_widgets):
    page = open_widgets(quiz("test", QUIZ))
    before = height(page, ".ml-quiz")
    page.get_by_label("first").check()
    assert "✗ Not quite. Reason one." in page.locator("fieldset").nth(0).inner_text()
    page.keyboard.press("ArrowDown")                                      # of two options the other one, in any order
    assert "✓ Right." in page.locator("fieldset").nth(0).inner_text()
    page.get_by_label(HACK).check()
    assert "2 of 2 right" in page.locator(".ml-quiz").inner_text() and height(page, ".ml-quiz") == before
    assert page.locator(".ml-quiz img").count() == 0 and page.evaluate("window.hacked") is None
    page.reload()
    page.wait_for_selector(".ml-widget[data-state=live]")
    assert "2 of 2 right" in page.locator(".ml-quiz").inner_text() and page.get_by_label("second").is_checked()
    page.get_by_role("button", name="Start again").click()
    assert "0 of 2 right" in page.locator(".ml-quiz").inner_text() and page.locator("input:checked").count() == 0


def test_quiz_works_where_storage_is_forbidden(open_widgets):
    forbid = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } });"
    page = open_widgets(quiz("test", QUIZ), init=forbid)
    page.get_by_label("second").check()
    assert "1 of 2 right" in page.locator(".ml-quiz").inner_text()


def test_first_picture_without_scripts(open_widgets):
    page = open_widgets(*all_widgets(), java_script_enabled=False)
    text = page.locator("main").inner_text()
    assert "weights T×S = 8×8" in text and "How fast each pair turns" in text and "One?" in text
    assert page.locator(".ml-widget svg").first.is_visible()


class Shared(Widget):
    _esm = """globalThis.loads = (globalThis.loads ?? 0) + 1;
    export default () => ({
      initialize({ model }) { globalThis.models = (globalThis.models ?? 0) + 1; },
      render({ model, el }) {
        const button = document.createElement("button");
        const draw = () => { button.textContent = `n = ${model.get("n")}`; };
        button.onclick = () => { model.set("n", model.get("n") + 1); model.save_changes(); };
        model.on("change:n", draw);
        draw();
        el.append(button);
      } });"""
    n = traitlets.Int(1).tag(sync=True)


class Broken(Widget):
    _esm = "export default { render() { throw new Error('planted'); } }"
    def fallback(self): return "<p>the first picture</p>"


def test_host_shares_models_and_imports_once(open_widgets):
    one, two = Shared(), Shared(n=5)
    page = open_widgets(one, one, two)
    assert page.evaluate("[loads, models]") == [1, 2]
    page.get_by_role("button").first.click()
    assert page.get_by_role("button").all_inner_texts() == ["n = 2", "n = 2", "n = 5"]


def test_host_keeps_the_picture_when_a_widget_fails(open_widgets):
    page = open_widgets(Broken(), RopeWidget(), expect_error="planted")
    assert page.locator(".ml-widget").first.inner_text() == "the first picture"
    assert page.locator(".ml-widget[data-state=live] .ml-rope").count() == 1              # its neighbour lives


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(open_widgets, theme):
    page = open_widgets(*all_widgets(), width=390, theme=theme)
    page.get_by_label("first").check()
    page.get_by_label("sentence").fill("Max saw a zebra")
    settle(page)
    assert not serious(page, theme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
