// Whatever scrolls sideways inside the page (formulas, tables, code, figures on a phone) can be reached by keyboard.
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  for (const box of document.querySelectorAll("mjx-container, .bd-article table, .bd-article pre, .ml-figure"))
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
});
// The arrow that opens a page's own pages in the sidebar says what it opens.
window.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll("summary:has(.toctree-toggle)"))
    arrow.setAttribute("aria-label", `Pages of ${arrow.parentElement.previousElementSibling.textContent}`);
});

// A page that was built before its chapter had run shows its outputs as soon as the site has them.
if (document.querySelector(".ml-waiting")) {
  const seen = async () => (await fetch(location.href, { method: "HEAD", cache: "no-store" })).headers.get("last-modified");
  const first = seen().catch(() => null);
  setInterval(async () => {
    try { if (await seen() !== await first) location.reload(); } catch { /* the server has ended */ }
  }, 5000);
}
