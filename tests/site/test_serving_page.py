"""The chat page of `minillm serve --ui` in a real browser: it answers, as plain text, and asks no other host."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

SHOTS = ROOT / "_build" / "shots"
HOSTILE = "<img src=x onerror=\"window.hacked=1\"><b>bold</b> **stars** [link](javascript:window.hacked=2)"


def start(code: str) -> tuple[subprocess.Popen, str]:
    """A server in a process of its own, and its address."""
    child = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT,
                             env={**os.environ, "OMP_NUM_THREADS": "1"})
    line = child.stdout.readline()
    return child, re.search(r"http://[\d.:]+", line)[0]


@pytest.fixture(scope="module")
def server():
    child, url = start("from minillm.serve.app import serve; serve(port=0, ui=True)")
    yield child, url
    child.kill()


@pytest.fixture
def chat(browser):
    """Open a chat page; afterwards no error and no request to another host may have happened."""
    contexts, errors, outside = [], [], []

    def go(url, width=1280):
        context = browser.new_context(viewport={"width": width, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: errors.append(f"{m.text} {m.location}") if m.type == "error" else None)
        page.on("response", lambda r: errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else outside.append(r.url))
        page.goto(f"{url}/ui/")
        page.get_by_role("textbox").first.wait_for()
        return page

    yield go
    for context in contexts: context.close()
    assert not outside, outside
    assert not errors, errors


def ask(page, words: str) -> str:
    """Type, send, and wait until the answer has stopped to grow."""
    page.get_by_role("textbox").first.fill(words)
    page.get_by_role("textbox").first.press("Enter")
    answers, before = page.locator(".bot.message"), ""
    answers.last.wait_for(timeout=30_000)
    for _ in range(100):
        time.sleep(0.4)
        now = answers.last.inner_text()
        if now and now == before: return now
        before = now
    raise AssertionError("the answer never ended")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_answers(server, chat, width):
    page = chat(server[1], width)
    answer = ask(page, "Once upon a time there was a brave girl")
    assert len(answer) > 40 and "named" in answer
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"serving_{width}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_words_are_shown_as_text_and_never_as_html(chat):
    code = f"""
import torch
from minillm.serve.app import open_served, serve
served = open_served()
words = torch.tensor(served.tokenizer.encode({HOSTILE!r}))
def forward(ids, cache):
    place = (cache.positions - 9).clamp(0)
    ends = place >= len(words)
    token = torch.where(ends, next(iter(served.stop_ids)), words[place.clamp(max=len(words) - 1)])
    return torch.nn.functional.one_hot(token, 1434).float() * 99
served.model.forward = forward
serve(served, port=0, ui=True)
"""
    child, url = start(code)
    try:
        page = chat(url)
        answer = ask(page, "Once upon a time there was a brave girl")
        assert HOSTILE[-60:] in answer and "<img src=x" in answer
        assert page.locator(".bot.message img[src=x], .bot.message b, .bot.message a").count() == 0
        assert page.evaluate("window.hacked") is None
        page.context.close()                            # before the server: the page keeps a stream of it open
    finally: child.kill()


def test_the_page_asks_for_the_key():
    import httpx
    child, url = start("from minillm.serve.app import serve; serve(port=0, ui=True, key='sesame')")
    try:
        with httpx.Client(base_url=url) as client:
            assert client.get("/ui/config").status_code == 401
            assert client.post("/ui/login", data={"username": "a", "password": "wrong"}).status_code == 400
            assert client.post("/ui/login", data={"username": "a", "password": "sesame"}).status_code == 200
            assert client.get("/ui/config").status_code == 200
    finally: child.kill()


def test_an_open_page_does_not_hold_up_the_end():
    """A page keeps a stream open for as long as it is shown."""
    import httpx
    child, url = start("from minillm.serve.app import serve; serve(port=0, ui=True)")
    with httpx.stream("GET", f"{url}/ui/gradio_api/heartbeat/abc", timeout=60) as got:
        beats = got.iter_bytes()
        next(beats)
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        for _ in beats: pass
    assert child.wait(60) == 0 and time.monotonic() - begun < 20


def test_the_screenshots_are_there():
    assert sorted(p.name for p in Path(SHOTS).glob("serving_*.png")) == ["serving_1280.png", "serving_390.png"]
