"""The chapters' own cells in JupyterLab, with a kernel behind them: sliders that Python answers, a figure that answers."""
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import ROOT

pytest.importorskip("jupyterlab")
pytest.importorskip("plotly")

FIGURE = """from minillm.interactive import interactive_losses
interactive_losses({"ours": ([0, 10, 20], [3.0, 2.0, 1.25])}, floor={"floor": 0.5})"""


def chapter_cells(stem: str, *ids: str) -> list[str]:
    """The sources of some cells of a chapter."""
    cells = json.loads((ROOT / "nbs" / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    found = {c["id"]: "".join(c["source"]) for c in cells}
    return [found[i] for i in ids]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own with one notebook; yields the notebook's address."""
    folder = tmp_path_factory.mktemp("lab")
    sources = [*chapter_cells("91_widgets", "72af2168", "eb13485a", "9028b6a1", "9028b6a3", "9028b6a5"), FIGURE]
    cells = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": s, "outputs": [], "execution_count": None}
             for i, s in enumerate(sources)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    (folder / "links.ipynb").write_text(json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4,
                                                    "nbformat_minor": 5}), encoding="utf-8")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    quiet = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data"),
             "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "spaces"),
             "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    news = folder / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--port-retries=0",
               f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=", "--LabApp.collaborative=False"]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **quiet}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/api", timeout=1)
            break
        except OSError: time.sleep(0.1)
        assert server.poll() is None, (folder / "log").read_text()
    yield f"{address}/lab/tree/links.ipynb"
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="module")
def notebook(lab, browser):
    """The notebook in the browser, after "run all"; afterwards nobody else was asked for anything."""
    context, outside = browser.new_context(viewport={"width": 1280, "height": 1400}), []
    page = context.new_page()
    host = re.match(r"http://[^/]+", lab)[0]
    local = (host, host.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(local) else outside.append(r.url))
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=40_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=40_000)    # before that "run all" is lost
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
    yield page
    context.close()
    assert not outside, outside


def cell(page, i): return page.locator(".jp-Notebook .jp-CodeCell").nth(i)


def numbers(text: str) -> list[float]: return [float(n) for n in re.findall(r"\d\.\d\d", text)]


def shares(temperature: float) -> list[float]:
    import torch
    return (torch.tensor([2.0, 1.0, 0.0]) / temperature).softmax(-1).tolist()


def wait_for(page, read, want, tolerance=0.0051):
    """Wait until the numbers that `read` returns are `want`, to the rounding of two digits."""
    for _ in range(200):
        got = read()
        if len(got) == len(want) and all(abs(a - b) <= tolerance for a, b in zip(got, want)): return
        page.wait_for_timeout(50)
    raise AssertionError((got, want))


def test_a_trait_that_is_observed_is_answered_by_python(notebook):
    knob, label = cell(notebook, 2).get_by_label("temperature"), cell(notebook, 2).locator(".widget-label")
    knob.wait_for(timeout=40_000)
    wait_for(notebook, lambda: numbers(label.inner_text()), shares(1.0))
    knob.fill("2")
    wait_for(notebook, lambda: numbers(label.inner_text()), shares(2.0))


def test_two_traits_are_linked_in_the_browser(notebook):
    place = cell(notebook, 3)
    ours, handle = place.locator("input[type=range]"), place.locator(".noUi-handle")
    handle.wait_for(timeout=20_000)
    handle.focus()
    for _ in range(5): notebook.keyboard.press("ArrowUp")                # five steps of 0.1
    wait_for(notebook, lambda: numbers(place.locator("p").inner_text()), shares(1.5))
    ours.fill("3")
    notebook.wait_for_function("([e, v]) => e.getAttribute('aria-valuenow') === v",
                               arg=[handle.element_handle(), "3.0"])


def test_a_slider_runs_a_function_and_shows_what_it_prints(notebook):
    place = cell(notebook, 4)
    handle, printed = place.locator(".noUi-handle"), place.locator(".jp-OutputArea-output pre")
    handle.wait_for(timeout=20_000)
    wait_for(notebook, lambda: numbers(printed.last.inner_text()), shares(1.0))
    handle.focus()
    for _ in range(3): notebook.keyboard.press("ArrowDown")
    wait_for(notebook, lambda: numbers(printed.last.inner_text()), shares(0.7))


def test_the_same_cell_draws_a_figure_that_answers(notebook):
    place = cell(notebook, 5)
    plot = place.locator(".js-plotly-plot")
    plot.wait_for(timeout=40_000)
    plot.scroll_into_view_if_needed()
    box = place.locator(".nsewdrag").first.bounding_box()
    notebook.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    notebook.wait_for_function("e => e.querySelector('.hoverlayer').textContent.includes('step 10')",
                               arg=plot.element_handle())
    assert "ours : 2" in place.locator(".hoverlayer").first.text_content()
