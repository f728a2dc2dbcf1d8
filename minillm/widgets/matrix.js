// A matrix on the page: a grid that prints its name and shape, its numbers, and where one stands in it.

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  Home: [0, -99], End: [0, 99] };
const clamp = (i, n) => Math.min(Math.max(i, 0), n - 1);

/** A grid to be filled by `set`; `tell(row, column)` hears which cell is pointed at, touched or moved to. */
export function matrix(name, dims, tell) {
  const caption = h("caption");
  const body = h("tbody");
  const head = h("tr");
  const el = h("table", { className: "ml-matrix", role: "grid" }, caption, h("thead", {}, head), body);
  let cells = [];

  const place = (target) => {
    const cell = target.closest?.("td");
    return cell ? [Number(cell.dataset.row), Number(cell.dataset.column)] : null;
  };
  for (const event of ["pointerover", "click", "focusin"]) {
    el.addEventListener(event, (e) => { const at = place(e.target); if (at) tell(...at); });
  }
  el.addEventListener("keydown", (e) => {
    const at = place(e.target);
    const move = MOVES[e.key];
    if (!at || !move) return;
    e.preventDefault();
    cells[clamp(at[0] + move[0], cells.length)][clamp(at[1] + move[1], cells[0].length)].focus();
  });

  function build(rows, columns) {
    cells = rows.map((_, i) => columns.map((__, j) =>
      h("td", { "data-row": i, "data-column": j, "data-lm-suppress-shortcuts": "true" })));
    head.replaceChildren(h("td"), ...columns.map((label) => h("th", { scope: "col" }, h("span", {}, label))));
    body.replaceChildren(...rows.map((label, i) => h("tr", {}, h("th", { scope: "row" }, label), ...cells[i])));
  }
  return { el, set({ values, rows, columns, signed, at, top }) {
    const same = cells.length === rows.length && cells[0]?.length === columns.length;
    const labels = [...el.querySelectorAll("th")].map((th) => th.textContent).join("\n");
    if (!same || labels !== [...columns, ...rows].join("\n")) build(rows, columns);
    caption.replaceChildren(h("b", {}, name), ` ${dims} = ${rows.length}×${columns.length}`);
    const largest = top ?? Math.max(...values.flat().filter(Number.isFinite).map(Math.abs), 1e-9);
    values.forEach((row, i) => row.forEach((value, j) => {
      const cell = cells[i][j];
      cell.textContent = numberText(value, 2);
      cell.tabIndex = i === at[0] && j === at[1] ? 0 : -1;
      cell.dataset.on = cell.tabIndex === 0;
      const color = Number.isFinite(value) ? scaleColor(value, largest, signed) : null;
      cell.style.background = color ? `rgb(${color})` : "";
      cell.style.color = color ? inkOn(color) : "";
      cell.dataset.masked = !color;
    }));
    [...head.querySelectorAll("th")].forEach((th, j) => { th.dataset.on = j === at[1]; });
    [...body.querySelectorAll("th")].forEach((th, i) => { th.dataset.on = i === at[0]; });
  } };
}
