"""The built book in a real browser: every page, links, starters, accessibility, and a widget driven on its own page."""
import html
import json
import re

import pytest
from conftest import HTML, ROOT, listen, new_context, serious

PAGES = sorted(str(p.relative_to(HTML)) for d in ("nbs", "book", "book/api", "book/slides", "book/teaching")
               for p in (HTML / d).glob("*.html"))
SAMPLE = ["book/preface.html", "nbs/02_bpe.html", "nbs/09_attention.html", "nbs/11_positions.html", "nbs/18_trainer.html",
          "book/api.html", "book/api/layers.html", "book/api/minillm.html"]


class Links:
    """The ids of a page and where its links, scripts and pictures point. Tags are found by their form: in the text of a
    page and within a script's strings `<` is written out, and reading ninety long pages letter by letter takes a minute."""

    def __init__(self, text):
        tags = re.findall(r"<([a-zA-Z][a-zA-Z0-9-]*)\s([^<>]*)>", re.sub(r"(<script[^>]*>).*?</script>", r"\1", text, flags=re.S))
        self.ids, self.hrefs = set(), []
        for tag, inner in tags:
            at = {name: html.unescape(a or b) for name, a, b in re.findall(r"""([\w-]+)=(?:"([^"]*)"|'([^']*)')""", inner)}
            if "id" in at: self.ids.add(at["id"])
            if tag in ("a", "link") and at.get("href"): self.hrefs.append(at["href"])
            if tag in ("script", "img") and at.get("src"): self.hrefs.append(at["src"])


def test_every_chapter_has_a_page():
    assert {p for p in PAGES if p.startswith("nbs/")} == {f"nbs/{nb.stem}.html" for nb in (ROOT / "nbs").glob("*.ipynb")}


def test_internal_links_lead_somewhere():
    parsed = {p: Links((HTML / p).read_text()) for p in PAGES}
    broken = []
    for page, links in parsed.items():
        for href in links.hrefs:
            if re.match(r"[a-z]+:|//", href): continue
            path, _, anchor = href.partition("#")
            target = (HTML / page).parent / path.partition("?")[0] if path else HTML / page
            if not target.exists(): broken.append((page, href))
            elif anchor and target.suffix == ".html":
                other = parsed.get(str(target.resolve().relative_to(HTML)))
                if other and anchor not in other.ids: broken.append((page, href))
    assert not broken, broken[:20]


def test_names_in_prose_lead_to_the_page_of_their_package():
    text = (HTML / "nbs/13_blocks.html").read_text()
    assert 'href="../book/api/layers.html#minillm.layers.norm.RMSNorm"' in text
    assert 'href="../book/api/layers.html#module-minillm.layers.norm"' in text
    assert 'id="minillm.layers.norm.RMSNorm"' in (HTML / "book/api/layers.html").read_text()


@pytest.mark.parametrize("name, place", [("RMSNorm", "api/layers.html"), ("KVCache", "api/decoding.html"),
                                         ("use_style", "api/minillm.html")])
def test_the_search_finds_names_of_the_api(open_page, name, place):
    page = open_page(f"search.html?q={name}")
    page.wait_for_selector("#search-results a")
    assert place in " ".join(page.locator("#search-results a").evaluate_all("all => all.map((a) => a.href)"))


def test_no_page_loads_from_another_host():
    for page in PAGES:
        text = (HTML / page).read_text()
        found = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+"', text)
        assert not [f for f in found if 'rel="canonical"' not in f], (page, found[:3])


def test_starters_hold_no_solution():
    starters = sorted((HTML / "starters").glob("*.ipynb"))
    assert len(starters) == len(list((ROOT / "nbs").glob("*.ipynb")))
    stubs = 0
    for path in starters:
        for cell in json.loads(path.read_text())["cells"]:
            source = "".join(cell["source"])
            if source.startswith("#| exercise"):
                assert "BEGIN SOLUTION" not in source
                stubs += "raise NotImplementedError" in source
            assert not source.startswith("#| answer")
    assert stubs >= 30


class Tabs:
    """Opens pages some at a time in one browser: they wait for the network together, and fetch what they share once."""

    def __init__(self, context, site, most=4):
        self.context, self.site, self.most, self.found = context, site, most, {}

    def look(self, path):
        """Title, errors and requests to other hosts of a page; it and the next ones are opened if it was not yet."""
        if path not in self.found: self.open(PAGES[PAGES.index(path):][:self.most])
        return self.found[path]

    def open(self, paths):
        tabs = [(path, self.context.new_page(), [], []) for path in paths]
        for path, tab, errors, outside in tabs:
            listen(tab, self.site, errors, outside)
            tab.goto(f"{self.site}/{path}", wait_until="commit")
        for path, tab, errors, outside in tabs:
            tab.wait_for_load_state("networkidle")
            self.found[path] = tab.locator("h1").first.inner_text().strip(), errors, outside
        for _, tab, *_ in tabs: tab.close()


@pytest.fixture(scope="module")
def tabs(browser, site):
    "One browser for all pages of this file that are only looked at."
    context = new_context(browser)
    yield Tabs(context, site)
    context.close()


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_without_error(tabs, page):
    title, errors, outside = tabs.look(page)
    assert title and not errors and not outside, (title, errors, outside)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", SAMPLE)
def test_page_passes_axe_on_a_phone(open_page, page, theme):
    opened = open_page(page, width=390, theme=theme)
    opened.wait_for_timeout(500)                                   # formulas are set, scrolling boxes can be reached
    found = serious(opened, theme)
    assert not found, found
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), "the page scrolls sideways"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_hard_to_read_is_found(open_page, theme):
    """The control of `serious`: one kind of word in all blocks of code, and a line of prose, in a color close to their ground."""
    page = open_page("nbs/42_autograd.html", width=390, theme=theme)
    assert not serious(page, theme)
    faint = "{ color: #777 !important; background: #7a7a7a !important }"
    for place in (".highlight .k", "main p"):
        style = page.add_style_tag(content=f"{place} {faint}")
        assert {rule for rule, _ in serious(page, theme)} == {"color-contrast"}, place
        style.evaluate("(e) => e.remove()")
