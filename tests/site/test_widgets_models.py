"""The widgets that carry a model or a library of their own, in a real browser: they say what Python says."""
import pytest
import torch
from conftest import serious
from test_chapter_widgets import height, told
from test_widgets import drag, open_widgets, settle  # noqa: F401

from minillm.models.vit import ViT, VisionConfig
from minillm.plot import number_text
from minillm.widgets.headrow import HeadsWidget, attention_of
from minillm.widgets.holders import BYTES_A_WEIGHT, HELD_MODELS, WAYS, HoldersWidget, bytes_text, held_weights
from minillm.widgets.library import LibraryWidget
from minillm.widgets.vision import DigitWidget


def digits():
    torch.manual_seed(0)
    model = ViT(VisionConfig(image_size=8, patch_size=2, channels=1, d_model=24, n_heads=4, n_layers=2, d_ff=40, n_classes=10, norm_eps=1e-5))
    with torch.no_grad():
        for p in model.parameters(): p.add_(0.2 * torch.randn(p.shape))
    g = torch.Generator().manual_seed(1)
    return DigitWidget(model.eval(), [(torch.randint(0, 17, (64,), generator=g).tolist(), i) for i in range(3)])


class Letters:
    """Vectors that know nothing but the letters of a text."""
    width, max_tokens, fingerprint = 64, 1000, "letters"

    def encode(self, texts):
        table = torch.randn(128, self.width, generator=torch.Generator().manual_seed(0))
        rows = torch.stack([table[[ord(c) % 128 for c in text]].sum(0) for text in texts])
        return torch.nn.functional.normalize(rows, dim=1)


def everyone(): return [digits(), HeadsWidget(), HoldersWidget(), LibraryWidget(Letters())]


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


def test_heads(open_widgets):  # noqa: F811
    widget = HeadsWidget()
    words, looks = attention_of(widget.text)
    page = open_widgets(widget, has_touch=True)
    before = height(page, "headrow")

    def says(layer, token):
        rows = [head[token] for head in looks[layer - 1]]
        assert [told(page, f"top{i + 1}") for i in range(len(rows))] == [number_text(round(float(row.max()), 4), 2) for row in rows]
        shown = [td.inner_text() for td in page.locator(".ml-headrow .ml-matrix tbody tr").first.locator("td").all()]
        assert len(shown) == token + 1 and height(page, "headrow") == before

    for layer, token in ((1, 5), (len(looks), len(words) - 1)):
        page.get_by_label("layer", exact=True).fill(str(layer))
        page.get_by_label("token that asks").fill(str(token + 1))
        settle(page)
        says(layer, token)
    first = page.locator(".ml-square canvas").first
    first.focus()
    for key in ("ArrowUp", "ArrowUp"): page.keyboard.press(key)
    settle(page)
    says(len(looks), len(words) - 3)
    box = first.bounding_box()
    page.touchscreen.tap(box["x"] + 3, box["y"] + box["height"] * 1.5 / len(words))
    settle(page)
    says(len(looks), 1)


def test_holders(open_widgets):  # noqa: F811
    page = open_widgets(HoldersWidget())
    before = height(page, "holders")
    for name, way, power in (("Llama 2, 7B", "tensors", 3), ("Mixtral, 8x7B", "experts", 2), ("GPT-2, 124M", "layers (pipeline)", 1),
                             ("Llama 3, 8B", "data, sharded (FSDP)", 6), ("Llama 2, 7B", "experts", 1)):
        page.get_by_label("model").select_option(name)
        page.get_by_label("divided by").select_option(way)
        page.get_by_label("devices", exact=True).fill(str(power))
        settle(page)
        held = held_weights(HELD_MODELS[name], way, 2**power)
        assert told(page, "most") == (bytes_text(BYTES_A_WEIGHT * max(held)) if held else "not possible")
        assert page.locator(".ml-holders tbody tr").count() == len(WAYS) and height(page, "holders") == before
        label = page.locator(".ml-holders svg").get_attribute("aria-label")
        assert label == ("; ".join(f"device {i}: {bytes_text(BYTES_A_WEIGHT * w)}" for i, w in enumerate(held[:8])) if held else "this model is not divided so")
    page.get_by_role("button", name="Reset").press("Enter")
    settle(page)
    assert page.get_by_label("divided by").input_value() == "data, sharded (FSDP)"


def test_library(open_widgets):  # noqa: F811
    widget = LibraryWidget(Letters())
    page = open_widgets(widget)
    before = height(page, "library")
    for query in ("Who governs Kalmor?", "honey from bees", "qqq", "Dorsil"):
        page.get_by_label("question", exact=True).fill(query)
        settle(page)
        for i, scores in enumerate(widget.scores(query)):
            items = page.locator(".ml-found").nth(i).locator("li[data-text]").all()
            want = [] if scores is None or not scores.any() else scores.sort(descending=True, stable=True)
            if not len(want): assert not items; continue
            assert items[0].get_attribute("data-text") == str(int(want.indices[0]))
            assert items[0].locator("b").inner_text() == number_text(float(want.values[0]), 2)
        assert height(page, "library") == before
    page.get_by_label("ready ones").select_option("3")
    settle(page)
    assert page.get_by_label("question", exact=True).input_value() == widget.questions[3]


def test_first_pictures_without_script(open_widgets):  # noqa: F811
    page = open_widgets(*everyone(), java_script_enabled=False)
    text = page.locator("main").inner_text()
    for part in ("A test digit in 16 patches", "attends most to", "held by the fullest device", "by meaning"): assert part in text, part


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_and_width(open_widgets, theme, width):  # noqa: F811
    page = open_widgets(*everyone(), theme=theme, width=width)
    settle(page)
    assert not serious(page, theme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
