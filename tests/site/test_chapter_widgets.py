"""The widgets of the chapters in a real browser: moved by hand, they say what Python says."""
import pytest
import torch
from conftest import serious
from test_widgets import drag, open_widgets, settle  # noqa: F401

from minillm.intervals import wilson
from minillm.plot import number_text
from minillm.widgets.backoff import BackoffWidget, mixed
from minillm.widgets.batching import BatchingWidget
from minillm.widgets.builder import BuilderWidget, count_text
from minillm.widgets.depth import DepthWidget, power_text, stack_sizes
from minillm.widgets.gradients import MEMORY_TEXT, BowlWidget, GraphWidget, ThroughTimeWidget, bowl_path, graph_state, through_time
from minillm.widgets.lookahead import BeamsWidget, DraftsWidget, draft_rounds
from minillm.widgets.masks import MaskWidget, painted_mask
from minillm.widgets.numberline import NumberLineWidget
from minillm.widgets.rank import RankWidget, best_rank, rank_matrices
from minillm.widgets.rewards import ClipWidget, GroupWidget, MarginWidget, clip_state, margin_state
from minillm.widgets.ring import RING_TEXT, RingWidget, ring_state
from minillm.widgets.samples import BudgetWidget, IntervalWidget
from minillm.widgets.sampling import SamplingWidget, warped
from minillm.widgets.tokens import MergesWidget, TokenizersWidget
from minillm.widgets.tale import TaleWidget
from minillm.widgets.three import ThreeWordsWidget, three_words
from minillm.widgets.valley import ValleyWidget, valley_path


def everyone():
    return [made() for made in (SamplingWidget, TokenizersWidget, MergesWidget, MaskWidget, NumberLineWidget, BuilderWidget, RingWidget,
                                ValleyWidget, BackoffWidget, ThreeWordsWidget,
                                ClipWidget, MarginWidget, GroupWidget, BatchingWidget, DepthWidget,
                                BeamsWidget, DraftsWidget, RankWidget, BowlWidget, GraphWidget, ThroughTimeWidget,
                                BudgetWidget, IntervalWidget, TaleWidget)]


def height(page, name): return round(page.locator(f".ml-{name}").bounding_box()["height"])


def test_sampling(open_widgets):  # noqa: F811
    widget = SamplingWidget()
    page = open_widgets(widget)
    before = height(page, "sampling")
    temperature, top_p = drag(page, "temperature", 0.8), drag(page, "top-p", 0.6)
    want = warped(torch.tensor(widget.logits), temperature, 0, top_p, 0.0)
    assert temperature > 1.4 and top_p < 0.8
    assert page.locator(".ml-read").inner_text().startswith(f"{int((want > 0).sum()):,} of 1,434 tokens are kept")
    rows = page.locator(".ml-warped li").all()
    for row in rows[:5]:
        i = widget.words.index(row.locator(".ml-word").inner_text().replace("·", " "))
        told = row.locator(".ml-percent").inner_text().split(" → ")[1]
        assert told == (f"{float(want[i]):.3f}" if want[i] > 0 else "cut")
        assert row.get_attribute("data-kept") == str(bool(want[i] > 0)).lower()
    assert height(page, "sampling") == before
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert page.locator(".ml-read").inner_text().startswith("1,434 of 1,434")


def test_merges_by_keyboard(open_widgets):  # noqa: F811
    page = open_widgets(MergesWidget())
    for step, ids in enumerate(MergesWidget().trained()):
        page.get_by_label("step").fill(str(step))
        settle(page)
        assert page.locator(".ml-tokens .ml-chip").count() == len(ids)
    page.get_by_label("step").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.locator(".ml-tokens").inner_text().replace("\n", "") == "aaabdaaabac"
    assert page.locator(".ml-merges > .ml-sum").inner_text() == "Merges so far: aa"
    page.get_by_label("watch it").select_option("encode")
    page.get_by_role("textbox").fill("Once upon a <b>time</b>")
    page.get_by_label("step").press("End")
    settle(page)
    assert "these are the tokens" in page.locator(".ml-read").inner_text() and page.locator(".ml-merges b").count() == 0


def test_five_tokenizers(open_widgets):  # noqa: F811
    widget = TokenizersWidget()
    page = open_widgets(widget)
    for text in (widget.text, "Der Fuchs aß 12 Äpfel. 日本"):
        page.get_by_label("text").fill(text)
        page.get_by_label("merges of the fourth").fill("200")
        settle(page)
        counts = [int(t.split()[-2]) for t in page.locator(".ml-caption").all_inner_texts()]
        python = TokenizersWidget(text=text)
        assert counts[0] == len(text) and counts[2] == len(text.encode())
        assert counts[3:] == [len(python.tokens(200)), len(python.tokens(len(python.merges)))]


def test_masks(open_widgets):  # noqa: F811
    page = open_widgets(MaskWidget(), has_touch=True)
    before = height(page, "masks")
    window, stride, sinks = (int(drag(page, name, to)) for name, to in (("window", 0.3), ("stride", 0.7), ("sinks", 0.5)))
    mask = painted_mask(32, window, stride, sinks)
    assert stride > 4 and page.locator("[data-number=pairs]").inner_text() == str(int(mask.sum()))
    drawn = page.locator(".ml-mask rect:not(.ml-mark)").evaluate_all("all => all.map((r) => r.getAttribute('class'))")
    assert [kind in ("ml-seen", "ml-sink") for kind in drawn] == mask.flatten().tolist()
    grid = page.locator(".ml-mask")
    grid.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"): page.keyboard.press(key)
    settle(page)
    assert page.locator(".ml-masks .ml-sum").inner_text().startswith("query 29, key 1: 28 tokens ago")
    box = grid.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1)
    settle(page)
    assert "never seen" in page.locator(".ml-masks .ml-sum").inner_text() and height(page, "masks") == before


def test_number_line(open_widgets):  # noqa: F811
    page = open_widgets(NumberLineWidget())
    before = height(page, "numberline")
    outlier = drag(page, "outlier", 0.7)
    for bits in (8, 4, 3):
        page.locator("select").select_option(str(bits))
        settle(page)
        again, step = NumberLineWidget(bits=bits, outlier=outlier).read_again()
        rows = page.locator(".ml-table tbody tr").all()
        assert [row.locator("td").nth(2).inner_text() for row in rows] == [number_text(float(x), 3) for x in again]
        assert page.locator("[data-number=step]").inner_text() == number_text(step, 3)
    page.get_by_label("zero point").check()
    settle(page)
    again, step = NumberLineWidget(bits=3, outlier=outlier, zero=True).read_again()
    assert page.locator("[data-number=step]").inner_text() == number_text(step, 3) and height(page, "numberline") == before


def test_builder(open_widgets):  # noqa: F811
    page = open_widgets(BuilderWidget())
    total = page.locator("[data-number=total]")
    assert total.inner_text() == "124M"
    page.get_by_label("begin with").select_option("mixtral-8x7b")
    settle(page)
    assert total.inner_text() == "46.7G" and "12.9G of them used" in page.locator(".ml-read").inner_text()
    page.get_by_label("begin with").select_option("llama3-8b")
    page.get_by_label("layers").fill("40")
    page.get_by_label("heads (and width)").fill("48")
    settle(page)
    from minillm.models.presets import parameter_counts
    want = BuilderWidget(preset="llama3-8b", heads=48, kv=8, layers=40, vocabulary=128256, context=8192).config()
    assert total.inner_text() == count_text(parameter_counts(want)[0])
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert total.inner_text() == "124M"


def test_ring(open_widgets):  # noqa: F811
    page = open_widgets(RingWidget())
    before = height(page, "ring")
    page.get_by_label("positions inside the cache").check()
    for step, sinks, window in ((3, 1, 4), (20, 2, 5), (12, 0, 3)):
        for label, value in (("tokens read", step), ("sinks", sinks), ("window", window)): page.get_by_label(label).fill(str(value))
        settle(page)
        tokens, places = ring_state(step, sinks, window)
        told = [t for t in page.locator(".ml-slots small").all_inner_texts() if t.startswith("token")]
        assert told == [f"token {t}, at {p}" for t, p in zip(tokens, places)]
        assert page.locator(".ml-chip[data-state=lost]").count() == step - len(tokens)
    assert len(RING_TEXT.split()) == 20 and height(page, "ring") == before


def test_valley(open_widgets):  # noqa: F811
    page = open_widgets(ValleyWidget())
    before = height(page, "valley")
    for optimizer in ("sgd", "momentum", "adam"):
        page.locator("select").select_option(optimizer)
        rate = drag(page, "learning rate", 0.12)
        a, b = valley_path(optimizer, rate, 0.8, 25, 40)[-1].tolist()
        assert page.locator(".ml-valley-map").get_attribute("aria-label").endswith(f"a = {number_text(a, 2)}, b = {number_text(b, 2)}")
    page.locator("select").select_option("sgd")
    page.get_by_label("learning rate").fill("0.2")
    settle(page)
    assert "flies away" in page.locator(".ml-valley .ml-read").inner_text() and height(page, "valley") == before


def test_backoff(open_widgets):  # noqa: F811
    widget = BackoffWidget()
    page = open_widgets(widget)
    for context, n, rule in (("Once upon a t", 4, "witten-bell"), ("xxzq", 5, "kneser-ney"), ("She w", 2, "kneser-ney")):
        page.get_by_label("text so far").fill(context)
        page.get_by_label("n", exact=True).fill(str(n))
        page.locator("select").select_option(rule)
        settle(page)
        p = mixed(widget.text, "".join(c for c in context[1 - n:]), n, rule) if set(context) <= set(widget.text) else None
        rows = page.locator(".ml-backoff tbody tr:not(.ml-fact)").all()
        assert len(rows) == 8 and all(row.locator("td").count() == n + 1 for row in rows)
        if p:
            told = {row.locator("td").first.inner_text().replace("·", " "): row.locator("td").last.inner_text() for row in rows}
            assert told == {c: number_text(p[c], 3) for c in told} and sum(p[c] for c in told) > sum(sorted(p.values())[-8:]) - 1e-9
    page.get_by_label("text so far").fill("Once upon a t")
    page.get_by_role("button", name="Write 30").press("Enter")
    settle(page)
    written = page.get_by_label("text so far").input_value()
    assert written.startswith("Once upon a t") and len(written) == len("Once upon a t") + 30


def test_three_words(open_widgets):  # noqa: F811
    page = open_widgets(ThreeWordsWidget(), has_touch=True)
    before, knobs = height(page, "three"), [page.get_by_label(f"she: {name}") for name in ("person", "place")]
    plane = page.locator("[data-moves]")

    def told_as_python():
        x, y = (float(knob.input_value()) for knob in knobs)
        output, weights, _ = three_words(x, y)
        assert page.locator("[data-number=output]").inner_text() == f"({', '.join(number_text(float(o), 2) for o in output)})"
        shown = page.locator(".ml-share").all_inner_texts()
        assert shown == [number_text(float(w), 2) for w in weights]
        return x, y

    assert told_as_python() == (0.5, -0.9) and page.locator(".ml-plane .ml-fill").count() == 3 + 4 + 4
    box = plane.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2, steps=6)
    page.mouse.up()
    settle(page)
    x, y = told_as_python()
    assert x < -0.5 and y > 0.8
    plane.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"): page.keyboard.press(key)
    settle(page)
    moved = told_as_python()
    assert abs(moved[0] - x - 0.2) < 1e-9 and abs(moved[1] - y + 0.1) < 1e-9
    page.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.9)
    settle(page)
    x, y = told_as_python()
    assert x > 1 and y < -1 and height(page, "three") == before
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert told_as_python() == (0.5, -0.9)


def told(page, name): return page.locator(f"[data-number={name}]").inner_text()


def test_clip(open_widgets):  # noqa: F811
    page = open_widgets(ClipWidget())
    before = height(page, "clip")
    for to in (0.3, 0.9):
        ratio, advantage = drag(page, "ratio", to, role="slider"), drag(page, "advantage", 1 - to)
        loss, gradient = clip_state(ratio, advantage, 0.2)
        assert told(page, "loss") == number_text(loss, 2) and told(page, "gradient").lstrip("−") == number_text(gradient, 2).lstrip("−")
        assert height(page, "clip") == before
    assert ratio > 1.5 and advantage < -1 and "against its advantage" in page.locator(".ml-read").inner_text()
    page.get_by_role("slider", name="ratio").press("Home")
    settle(page)
    assert "pushes no further" in page.locator(".ml-read").inner_text() and told(page, "gradient") == "0.00"


def test_margin(open_widgets):  # noqa: F811
    page = open_widgets(MarginWidget())
    before = height(page, "margin")
    for to in (0.2, 0.8):
        chosen, rejected, beta = drag(page, "chosen: log p", to), drag(page, "rejected: log p", 0.4), drag(page, "β", to)
        want = [number_text(x, d) for x, d in zip(margin_state(chosen, rejected, beta), (2, 3, 3))]
        assert [told(page, name) for name in ("margin", "loss", "weight")] == want and height(page, "margin") == before
    for label, value in (("chosen: log p", "-1"), ("rejected: log p", "-5")): page.get_by_label(label).fill(value)
    settle(page)
    assert "Both answers have become less probable" in page.locator(".ml-read").inner_text()


def test_group(open_widgets):  # noqa: F811
    page = open_widgets(GroupWidget(), has_touch=True)
    before, rewards = height(page, "group"), [1, 0, 0, 0, 0, 0, 0, 0]
    for i, press in ((3, "click"), (5, "tap"), (0, "click")):
        getattr(page.get_by_role("button", name=f"answer {i + 1} is right"), press)()
        settle(page)
        rewards[i] = 1 - rewards[i]
        for normalise in (False, True):
            page.get_by_label("÷ deviation").set_checked(normalise)
            settle(page)
            want = [number_text(gain, 3) for gain in GroupWidget(rewards=rewards, normalise=normalise).gains()]
            assert page.locator("[data-gain]").all_text_contents() == want and height(page, "group") == before
    for i in (3, 5):
        page.get_by_role("button", name=f"answer {i + 1} is right").focus()
        page.keyboard.press("Enter")
    settle(page)
    assert "teaches nothing" in page.locator(".ml-read").inner_text()


def test_batching(open_widgets):  # noqa: F811
    page = open_widgets(BatchingWidget())
    before = height(page, "batching")
    for rows, gap, equal in ((2, 0.5, False), (4, 2, True), (1, 4, False)):
        page.get_by_label("rows", exact=True).fill(str(rows))
        page.get_by_label("arrival gap").fill(str(gap))
        page.get_by_label("all of one length").set_checked(equal)
        settle(page)
        widget = BatchingWidget(rows=rows, gap=gap, equal=equal)
        for name, joining, caption in zip(("in groups", "row by row"), (False, True), page.locator(".ml-batching .ml-caption").all_inner_texts()):
            cost = widget.costs(joining)
            assert caption.startswith(f"{name} {cost['steps']} steps; mean wait {number_text(cost['wait'], 1)}, longest reply {cost['longest']},")
            drawn = page.locator(f".ml-timeline[data-way='{name}']").get_attribute("aria-label")
            assert drawn == f"{name}: " + "; ".join(f"request {i} in row {row}, steps {a} to {b - 1}" for i, (row, a, b) in enumerate(widget.plan(joining)))
    page.get_by_role("button", name="Reset").press("Enter")
    step = int(drag(page, "look at step", 0.1))
    running = [i for i, (_, a, b) in enumerate(BatchingWidget().plan(True)) if a <= step < b]
    assert page.locator("span[data-way='row by row']").inner_text().startswith(f"running {', '.join(map(str, running))},")
    assert height(page, "batching") == before


def test_depth(open_widgets):  # noqa: F811
    page = open_widgets(DepthWidget())
    before = height(page, "depth")
    for norm, residual, scale, to in (("none", False, 0.5, 0.1), ("before", True, 1.0, 0.9), ("none", True, 2.0, 0.8), ("after", False, 1.0, 0.3)):
        page.locator("select").first.select_option(norm)
        page.get_by_label("residual", exact=True).set_checked(residual)
        page.locator("select").last.select_option(f"{scale:g}")
        block = int(drag(page, "look at block", to))
        stream, grads = stack_sizes(norm, residual, scale)
        assert told(page, "stream") == power_text(float(f"{stream[block]:.4g}"))
        assert told(page, "gradient") == power_text(float(f"{grads[block]:.4g}")) and height(page, "depth") == before
    page.get_by_role("button", name="Reset").press("Enter")
    settle(page)
    assert "The gradient vanishes" in page.locator(".ml-depth .ml-read").inner_text()


def test_beams(open_widgets):  # noqa: F811
    page = open_widgets(BeamsWidget())
    before = height(page, "treeview")
    for beams, step in ((1, 3), (4, 6), (3, 5)):
        page.get_by_label("beams", exact=True).fill(str(beams))
        page.get_by_label("step", exact=True).fill(str(step))
        settle(page)
        want = BeamsWidget(beams=beams, step=step).texts()
        shown = [li.replace("·", " ").rsplit(" ", 1) for li in page.locator(".ml-texts li").all_inner_texts()]
        assert [(text, total) for text, total in shown] == [(text, number_text(total, 2)) for text, total in want]
        assert page.locator(".ml-leaf").count() == 2 * beams * step and page.locator(".ml-leaf:not([data-state=cut])").count() == beams * step
        assert told(page, "best") == number_text(BeamsWidget(beams=beams, step=6).texts()[0][1], 2) and height(page, "treeview") == before


def test_drafts(open_widgets):  # noqa: F811
    page = open_widgets(DraftsWidget())
    before = height(page, "drafts")
    for n in (1, 4, 6):
        page.get_by_label("proposals").fill(str(n))
        page.get_by_label("round").press("End")
        settle(page)
        rounds, tally = draft_rounds(n)
        assert told(page, "passes") == str(tally.passes) and told(page, "accepted") == f"{tally.accepted} of {tally.proposed}"
        assert page.locator(".ml-tokens .ml-chip").count() == 33 and height(page, "drafts") == before
        for i, r in enumerate(rounds, 1):
            page.get_by_label("round").fill(str(i))
            page.wait_for_function("""([kept, all]) => {
                const states = [...document.querySelectorAll(".ml-proposals li")].map((li) => li.dataset.state);
                return states.length === all && states.filter((s) => s === "kept").length === kept;
            }""", arg=[r["kept"], len(r["proposed"])], timeout=10_000)


def test_rank(open_widgets):  # noqa: F811
    page = open_widgets(RankWidget())
    before = height(page, "rank")
    for name, W in rank_matrices().items():
        page.locator("select").select_option(name)
        rank = int(drag(page, "rank", 0.3, role="slider"))
        missed = float(told(page, "left").rstrip("%"))
        assert 3 < rank < 8 and abs(missed - 100 * best_rank(W, rank)[1]) < 0.15 and told(page, "numbers") == str(32 * rank)
        near, first = best_rank(W, rank)[0], page.locator(".ml-rank .ml-sum").nth(1)
        assert abs(float(first.inner_text().split(": ")[1].replace("−", "-")) - float(near[0, 0])) < 2e-3 and height(page, "rank") == before
        page.get_by_role("button", name="Reset").press("Enter")
        settle(page)


def test_bowl(open_widgets):  # noqa: F811
    page = open_widgets(BowlWidget())
    before = height(page, "bowl")
    for to, curvature in ((0.2, "1"), (0.7, "1"), (0.9, "3")):
        page.get_by_label("curvature").fill(curvature)
        rate = drag(page, "learning rate", to)
        path = bowl_path(rate, float(curvature), 8, -3.5)
        end, factor = path[-1], 1 - rate * float(curvature)
        assert told(page, "end") == (number_text(end, 2) if 0.01 <= abs(end) < 1000 else told(page, "end"))
        assert told(page, "factor") == number_text(factor, 2) and ("explodes" in page.locator(".ml-read").inner_text()) == (factor < -1)
        assert height(page, "bowl") == before
    page.get_by_role("slider", name="steps").press("Home")
    settle(page)
    assert told(page, "end") == "−3.50"


def test_graph(open_widgets):  # noqa: F811
    page = open_widgets(GraphWidget())
    before = height(page, "chain")
    for a, b in ((2, -3), (0.5, 4), (-1.5, -2)):
        for label, value in (("a", a), ("b", b)): page.get_by_label(label, exact=True).fill(str(value))
        for back in range(4):
            page.get_by_label("steps back").fill(str(back))
            settle(page)
            values, grads = graph_state(a, b, back)
            for name, node in ((n, page.locator(f"[data-node={n}]")) for n in values):
                value, grad = node.locator("text").all_text_contents()[1:]
                assert value == number_text(values[name], 1)
                assert grad == ("∂L ?" if node.get_attribute("data-on") == "false" else f"∂L {number_text(grads[name], 1)}")
            assert height(page, "chain") == before
        assert (told(page, "a"), told(page, "b")) == (number_text(grads["a"], 1), number_text(grads["b"], 1))


def test_through_time(open_widgets):  # noqa: F811
    page = open_widgets(ThroughTimeWidget())
    before = height(page, "through")
    assert "has vanished" in page.locator(".ml-read").inner_text()
    for cell, to in (("tanh", 0.25), ("gate", 0.6)):
        page.locator("select").select_option(cell)
        w, f, letter = drag(page, "weight w", to), drag(page, "forget gate f", 1 - to / 2), int(drag(page, "look at letter", to))
        memory, grads = through_time(MEMORY_TEXT, cell, w, f)
        assert told(page, "memory") == number_text(memory[letter], 2)
        shown = float(told(page, "gradient").replace("−", "-"))
        assert abs(shown - grads[letter]) <= 0.05 * abs(grads[letter]) + 0.005 and height(page, "through") == before


def test_budget(open_widgets):  # noqa: F811
    law = {"floor": 0.36, "a": 3.0, "alpha": 0.18, "b": 645318.0, "beta": 1.17}
    runs = [{"budget": 3e10, "parameters": 30_000, "width": 32, "loss": 0.9}, {"budget": 3e12, "parameters": 90_000, "width": 64, "loss": 0.5}]
    given = {"laws": {"one": law, "other": {**law, "floor": 0.0}}, "runs": runs, "span": [10.0, 13.0], "power": 10.5}
    page = open_widgets(BudgetWidget(**given))
    before = height(page, "budget")
    assert page.locator("[data-run]").count() == 1
    for name, to in (("one", 0.3), ("other", 0.8)):
        page.locator("select").select_option(name)
        power, size = drag(page, "budget", to, role="slider"), drag(page, "size of model", 1 - to)
        n, d, loss = BudgetWidget(**{**given, "law": name, "power": power, "size": size}).model_of()
        assert [told(page, k) for k in ("parameters", "tokens", "loss")] == [count_text(n), count_text(d), number_text(loss, 3)]
        assert height(page, "budget") == before


def test_interval(open_widgets):  # noqa: F811
    page = open_widgets(IntervalWidget())
    before = height(page, "interval")
    for to in (0.3, 0.8):
        n, share = int(drag(page, "questions", to)), drag(page, "share right", to, role="slider")
        times, seed = int(drag(page, "samples", 0.1, role="slider")), int(drag(page, "draw no.", to))
        want = IntervalWidget(n=n, share=share, times=times, seed=seed)
        assert [told(page, "low"), told(page, "high")] == [number_text(x, 3) for x in want.interval()]
        assert told(page, "wilson") == " to ".join(number_text(x, 3) for x in wilson(want.right(), n)) and height(page, "interval") == before
    page.get_by_role("slider", name="share right").press("End")
    settle(page)
    assert told(page, "low") == told(page, "high") == "1.000" and "does not collapse" in page.locator(".ml-read").inner_text()


def test_tale(open_widgets):  # noqa: F811
    widget = TaleWidget()
    page = open_widgets(widget, has_touch=True)
    before = height(page, "taleteller")

    def verdict(name): return page.locator(f"[data-verdict={name}]").get_attribute("data-good") == "true"

    for number, at, press in ((1, 3, "click"), (2, 5, "tap"), (4, 0, "click")):
        page.get_by_label("tale", exact=True).fill(str(number))
        settle(page)
        assert verdict("grammatical") and verdict("consistent")
        mention = widget.tales[number - 1]["mentions"][at]
        word = page.locator(".ml-mention").nth(at)
        getattr(word, press)()
        for unknown in (False, True):
            page.get_by_label("by “Nobody”").set_checked(unknown)
            settle(page)
            assert [verdict("grammatical"), verdict("consistent")] == mention[4 + unknown][:2] and word.inner_text() == ("Nobody" if unknown else mention[3])
            assert not mention[4 + unknown][2] or mention[4 + unknown][2] in page.locator(".ml-taleteller .ml-read").inner_text()
        page.get_by_label("by “Nobody”").uncheck()
        word.focus()
        page.keyboard.press("Enter")
        settle(page)
        assert page.locator(".ml-told").inner_text() == widget.tales[number - 1]["text"] and height(page, "taleteller") == before


def test_first_pictures_without_script(open_widgets):  # noqa: F811
    page = open_widgets(*everyone(), java_script_enabled=False)
    text = page.locator("main").inner_text()
    for part in ("What could come after", "BPE with 1177 merges", "mask T×S = 32×32", "One step is worth", "mixtral-8x7b", "token 8, at 8",
                 "After 40 steps: loss", "after “a·t”", "“she” attends to",
                 "A token of ratio 1.35", "The margin is 0.20", "advantage", "longest reply", "gradient at the start", "2 beams of 6 tokens",
                 "passes of the large model", "a drawing", "Steps down ½x²", "gradient of L", "gradient that comes back",
                 "best parameters", "30 of 40 are right", "the judge says"):
        assert part in text, part


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_and_width(open_widgets, theme, width):  # noqa: F811
    page = open_widgets(*everyone(), theme=theme, width=width)
    page.get_by_label("top-k").fill("3")
    settle(page)
    assert not serious(page, theme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
