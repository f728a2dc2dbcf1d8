"""The widgets that carry a model or a library of their own, in a real browser: they say what Python says."""
import pytest
import torch
from test_chapter_widgets import height, told
from test_widgets import all_serious, drag, open_widgets, settle  # noqa: F401

from minillm.models.vit import ViT, VisionConfig
from minillm.widgets.vision import DigitWidget


def digits():
    torch.manual_seed(0)
    model = ViT(VisionConfig(image_size=8, patch_size=2, channels=1, d_model=24, n_heads=4, n_layers=2, d_ff=40, n_classes=10, norm_eps=1e-5))
    with torch.no_grad():
        for p in model.parameters(): p.add_(0.2 * torch.randn(p.shape))
    g = torch.Generator().manual_seed(1)
    return DigitWidget(model.eval(), [(torch.randint(0, 17, (64,), generator=g).tolist(), i) for i in range(3)])


def everyone(): return [digits()]


def test_digit(open_widgets):  # noqa: F811
    widget = digits()
    page = open_widgets(widget, has_touch=True)
    before = height(page, "digit")

    def shown():
        p = [float(t) for t in page.locator(".ml-digits span").all_inner_texts()]
        looks = page.locator(".ml-digit-grid").nth(1).get_attribute("aria-label")
        return p, looks.rsplit(": ")[1].split(", ")

    for number in (1, 3):
        page.get_by_label("test digit").fill(str(number))
        for layer in (1, 2):
            page.get_by_label("attention of layer").fill(str(layer))
            settle(page)
            want, looks = widget.answer(widget.examples[number - 1]["pixels"])
            p, told_looks = shown()
            assert p == pytest.approx(want, abs=6e-4) and height(page, "digit") == before
            assert all(abs(int(a) - 100 * b) < 0.51 for a, b in zip(told_looks, looks[layer - 1]))
            assert told(page, "answer") == str(want.index(max(want)))
    pad = page.locator(".ml-pad")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=5)
    page.mouse.up()
    settle(page)
    drawn = shown()[0]
    assert page.get_by_label("test digit").input_value() == "0" and abs(sum(drawn) - 1) < 6e-3
    pad.focus()
    for key in (" ", "ArrowUp", "ArrowUp", "ArrowRight", " "): page.keyboard.press(key)
    settle(page)
    keyed = shown()[0]
    assert keyed != drawn
    page.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.9)
    settle(page)
    assert shown()[0] != keyed and height(page, "digit") == before
    page.get_by_role("button", name="Clear the pad").click()
    settle(page)
    assert "The pad is empty" in page.locator(".ml-read").inner_text()
    assert shown()[0] == pytest.approx(widget.answer([0] * 64)[0], abs=6e-4)
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert page.get_by_label("test digit").input_value() == "1"


def test_first_pictures_without_script(open_widgets):  # noqa: F811
    page = open_widgets(*everyone(), java_script_enabled=False)
    text = page.locator("main").inner_text()
    for part in ("A test digit in 16 patches",): assert part in text, part


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_and_width(open_widgets, theme, width):  # noqa: F811
    page = open_widgets(*everyone(), theme=theme, width=width)
    settle(page)
    assert not all_serious(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
