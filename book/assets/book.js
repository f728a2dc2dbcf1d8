// Whatever scrolls sideways inside the page (formulas, tables, code, figures on a phone) can be reached by keyboard.
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  for (const box of document.querySelectorAll("mjx-container, .bd-article table, .bd-article pre, .ml-figure"))
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
});
