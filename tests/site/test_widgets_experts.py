"""The routing widget in a real browser: by mouse, keyboard and touch, in both themes, and without a script."""
import pytest
from conftest import serious
from test_widgets import drag, height, open_widgets, settle  # noqa: F401  (open_widgets is a fixture)

from minillm.plot import number_text
from minillm.widgets.routing import RoutingWidget, routing_state


def shown(page):
    """Weights on the page, None where a token did not choose an expert."""
    rows = page.locator(".ml-grids table").nth(1).locator("tbody tr").all()
    return [[None if x == "–" else float(x) for x in row.locator("td").all_inner_texts()] for row in rows]


def agrees(page, **choices):
    """The page shows what PyTorch computes for these choices."""
    want = routing_state(**choices)
    for row, indices, weights, kept in zip(shown(page), *(want[n].tolist() for n in ("indices", "weights", "kept"))):
        assert [e for e, x in enumerate(row) if x is not None] == sorted(indices)
        for e, weight, room in zip(indices, weights, kept): assert abs(row[e] - (weight if room else 0)) < 0.00502
    text = {name: page.locator(f".ml-routing [data-number={name}]").inner_text()
            for name in ("capacity", "dropped", "loss", "evenness")}
    assert text["capacity"] == str(want["capacity"]) and text["dropped"] == str(int((~want["kept"]).sum()))
    for name in ("loss", "evenness"): assert abs(float(text[name]) - want[name]) < 0.00502
    lost = page.locator("path.ml-ribbon.ml-lost").count()
    return lost == int((~want["kept"]).sum()) and page.locator("path.ml-ribbon").count() == want["kept"].numel()


@pytest.mark.parametrize("width", [1280, 390])
def test_controls_change_what_pytorch_says_too(open_widgets, width):  # noqa: F811
    page = open_widgets(RoutingWidget(), width=width)
    before = height(page, ".ml-routing")
    assert agrees(page)
    step = int(drag(page, "training step", 0.9))
    assert step > 3 and agrees(page, step=step)
    page.get_by_label("balancing").select_option("bias")
    page.get_by_label("sentence").select_option("1")
    page.get_by_label("experts per token").focus()
    page.keyboard.press("ArrowRight")
    capacity = drag(page, "capacity factor", 0.1)
    assert capacity < 1.25 and agrees(page, sentence=1, kind="bias", step=step, top_k=2, capacity=capacity)
    assert height(page, ".ml-routing") == before
    page.get_by_role("button", name="Reset").press("Enter")
    settle(page)
    assert agrees(page) and height(page, ".ml-routing") == before


def test_tokens_and_cells_by_keyboard(open_widgets):  # noqa: F811
    page = open_widgets(RoutingWidget())
    token = page.get_by_role("button", name="night")
    token.focus()
    settle(page)
    want = routing_state()
    assert token.get_attribute("aria-pressed") == "true" and "dropped" in token.get_attribute("aria-label")
    assert page.locator(".ml-cell").inner_text() == f"night → expert {int(want['indices'][4, 0])}"
    page.locator(".ml-grids table").first.locator("td[data-on=true]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    settle(page)
    assert page.locator(".ml-cell").inner_text() == "all → expert 0"
    told = page.locator(".ml-sum").inner_text()
    assert "Not chosen" in told and f"= {number_text(float(want['p'][3, 0]), 2)}" in told


def test_first_picture_without_a_script(open_widgets):  # noqa: F811
    page = open_widgets(RoutingWidget(), java_script_enabled=False)
    text = page.locator(".ml-widget").inner_text()
    assert "probabilities N×E = 12×4" in text and "balancing loss" in text
    assert page.locator(".ml-widget svg[role=img]").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_widgets, theme):  # noqa: F811
    page = open_widgets(RoutingWidget(), width=390, theme=theme)
    found = serious(page, theme)
    assert not found, found
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
