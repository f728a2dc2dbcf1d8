"""What the hand-written tests share: the built site behind a local server, a browser, and an environment of the wheel."""
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass


@pytest.fixture(scope="session")
def site() -> str:
    """The address of the built book. `make test` builds it before these tests run."""
    assert (HTML / "index.html").exists(), "no built book: run `make pages` first"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium, driven by playwright; no browser is ever downloaded."""
    from playwright.sync_api import sync_playwright
    chromium = shutil.which("chromium")
    assert chromium, "no chromium: apt-get install chromium"
    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=chromium, args=FLAGS)
        yield made
        made.close()


def listen(page, site, errors, outside):
    """Note what a page complains of, and what it asks other hosts for."""
    local = (site, "data:", "blob:")
    page.on("console", lambda m: errors.append(f"{m.text} {m.location}") if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("request", lambda r: None if r.url.startswith(local) else outside.append(r.url))


def new_context(browser, width=1280, theme="light", **options):
    """A browser without memory, of this width and theme."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
    context.add_init_script(f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}')")
    return context


# Marks each block of code whose kinds of token stood in an earlier block of the same place: it has the same colors.
SEEN_COLORS = """() => { const seen = new Set();
  for (const block of document.querySelectorAll("div.highlight")) {
    const place = block.closest(".cell_output, .cell_input, .admonition, details")?.className ?? "";
    const kinds = [...new Set([...block.querySelectorAll("span")].map((s) => `${place} ${s.className}`))];
    if (kinds.length && kinds.every((k) => seen.has(k))) block.dataset.seen = "";
    kinds.forEach((k) => seen.add(k));
  } }"""


def serious(page, theme="light", context=None):
    """What axe finds serious or critical on a page: [(rule, place), ...]. A theme changes colors alone, so in the dark only
    their contrast is asked for; and that, where a page has thousands of words of code, of each kind of word once."""
    from axe_playwright_python.sync_playwright import Axe
    page.evaluate(SEEN_COLORS)
    rules = {"runOnly": ["color-contrast"]}, {"rules": {"color-contrast": {"enabled": False}}}
    unseen = context or {"exclude": [["div.highlight[data-seen]"]]}
    found = []
    for part, where in zip(rules[:1 if theme == "dark" else 2], (unseen, context)):
        options = {"preload": False, "resultTypes": ["violations"], **part}
        found += Axe().run(page, context=where, options=options).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]


# The shortest loop for a matrix and a vector, a million weights: what a page's speed is held against, on any machine.
PLAIN_PRODUCT = """() => {
  const n = 1024, W = Float32Array.from({ length: n * n }, Math.random), x = W.slice(0, n), y = new Float32Array(n);
  window.product = () => {
    for (let r = 0; r < n; r++) {
      let sum = 0;
      for (let c = 0; c < n; c++) sum += W[r * n + c] * x[c];
      y[r] = sum;
    }
  };
}"""


@pytest.fixture
def open_page(browser, site):
    """Open a page of the book; afterwards no console error and no request to another host may have happened."""
    contexts, errors, outside = [], [], []

    def go(path, width=1280, theme="light", **options):
        context = new_context(browser, width, theme, **options)
        contexts.append(context)
        page = context.new_page()
        listen(page, site, errors, outside)
        page.goto(f"{site}/{path}", wait_until="networkidle")
        return page

    yield go
    for context in contexts: context.close()
    assert not errors, errors
    assert not outside, outside


@pytest.fixture(scope="session")
def wheel_env(tmp_path_factory) -> Path:
    """An environment that holds only our wheel and its `notebook` extra; returns its python. In `make test` it is the
    wheel that the step before has built."""
    folder = tmp_path_factory.mktemp("wheel")
    made = list((ROOT / "dist").glob("minillm-*.whl")) if os.environ.get("STEPS_BEFORE") else []
    if not made:
        build = [sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
        subprocess.run(build, check=True, cwd=folder)
        made = list(folder.glob("minillm-*.whl"))
    wheel = made[0]
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt"]
    subprocess.run([*install, "torch"], check=True, cwd=folder)
    subprocess.run([*install, f"{wheel}[notebook]", "nbclient"], check=True, cwd=folder)
    return python


def clean_home(tmp_path: Path) -> dict[str, str]:
    """The environment variables of a user with an empty home and no checkout in sight."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_", "VIRTUAL_ENV"))}
    return {**keep, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
