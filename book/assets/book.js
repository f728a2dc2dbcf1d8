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
