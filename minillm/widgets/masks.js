// Which keys each query may see: a window, a stride and sinks, and what they cost.

/** Whether the query at t sees the key at s. As the masks of minillm.layers.masks, joined by `either` and `with_sinks`. */
export function sees(t, s, { window, stride, sinks }) {
  const age = t - s;
  return age >= 0 && (age < window || (stride > 0 && age % stride === 0) || s < sinks);
}

/** Rows of true and false for T tokens. */
export function maskRows(T, kind) {
  return Array.from({ length: T }, (_, t) => Array.from({ length: T }, (__, s) => sees(t, s, kind)));
}

/** What the last token can know of after each layer: the sets of tokens whose news may have arrived. */
export function reach(rows, layers) {
  const T = rows.length;
  let known = rows.map((_, t) => new Set([t]));
  const found = [];
  for (let layer = 0; layer < layers; layer += 1) {
    const before = known;
    known = rows.map((row) => new Set(row.flatMap((on, s) => (on ? [...before[s]] : []))));
    found.push(known[T - 1]);
  }
  return found;
}

const pairsOf = (rows) => rows.flat().filter(Boolean).length;

const SIDE = 10;

/** The grid as SVG: rows are queries, columns keys; `set(rows, [t, s])` colours it and marks one cell. */
function maskGrid(T, tell) {
  const cells = Array.from({ length: T * T }, (_, i) => svg("rect", { x: (i % T) * SIDE + 0.5, y: Math.floor(i / T) * SIDE + 0.5,
    width: SIDE - 1, height: SIDE - 1 }));
  const mark = svg("rect", { width: SIDE, height: SIDE, class: "ml-mark" });
  const el = svg("svg", { viewBox: `0 0 ${T * SIDE} ${T * SIDE}`, class: "ml-mask", role: "img", tabindex: 0,
    "data-lm-suppress-shortcuts": "true" }, ...cells, mark);
  let at = [T - 1, 0];
  const go = (t, s) => { at = [t, s].map((x) => Math.min(Math.max(Math.floor(x), 0), T - 1)); tell(); };
  el.addEventListener("keydown", (e) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
    if (!move) return;
    e.preventDefault();
    go(at[0] + move[0], at[1] + move[1]);
  });
  for (const event of ["pointermove", "pointerdown"]) {
    el.addEventListener(event, (e) => {
      const box = el.getBoundingClientRect();
      go((e.clientY - box.top) / box.height * T, (e.clientX - box.left) / box.width * T);
    });
  }
  return { el, at: () => at, set(rows, sinks) {
    cells.forEach((cell, i) => {
      const [t, s] = [Math.floor(i / T), i % T];
      cell.setAttribute("class", s > t ? "ml-later" : !rows[t][s] ? "ml-unseen" : s < sinks ? "ml-sink" : "ml-seen");
    });
    mark.setAttribute("x", at[1] * SIDE);
    mark.setAttribute("y", at[0] * SIDE);
  } };
}

function render({ model, el }) {
  const T = model.get("size");
  const grid = maskGrid(T, () => shown.redraw());
  const [read, cell, layers] = [h("p", { className: "ml-read" }), h("p", { className: "ml-sum" }),
    h("ol", { className: "ml-reach" })];
  const shown = panel({ model, name: "masks", label: "Attention masks", draw, parts: [
    h("div", { className: "ml-pictures" }, h("div", {}, h("p", { className: "ml-caption" }, h("b", {}, "mask"), ` T×S = ${T}×${T}`),
      grid.el, cell), h("div", {}, read, layers))], controls: {
    window: (tell) => slider("window", { min: 1, max: T, format: (v) => (v === T ? "all" : String(v)) }, tell),
    stride: (tell) => slider("stride", { min: 0, max: 12, format: (v) => (v === 0 ? "none" : String(v)) }, tell),
    sinks: (tell) => slider("sinks", { min: 0, max: 6, format: (v) => (v === 0 ? "none" : String(v)) }, tell) } });

  function draw(data) {
    const rows = maskRows(T, data);
    const [t, s] = grid.at();
    grid.set(rows, data.sinks);
    const [pairs, all] = [pairsOf(rows), T * (T + 1) / 2];
    grid.el.setAttribute("aria-label", `mask of ${T} queries and ${T} keys: ${pairs} of ${all} pairs are computed`);
    const kept = Math.max(...rows.map((row) => row.filter(Boolean).length));
    read.replaceChildren(h("b", { "data-number": "pairs" }, String(pairs)), ` of ${all} pairs are computed, `,
      h("b", {}, `${numberText(100 * pairs / all, 0)}%`), `; no query sees more than ${kept} keys. `
      + "What the last token can know of the others:");
    layers.replaceChildren(...reach(rows, 4).map((known, i) => h("li", {}, `after ${i + 1} ${i ? "layers" : "layer"}: ${known.size} of ${T}`,
      h("span", { className: "ml-dots", "aria-hidden": "true" }, ...Array.from({ length: T }, (_, j) => h("i", { "data-on": known.has(j) }))))));
    cell.textContent = s > t ? `key ${s} comes after query ${t}: never seen`
      : `query ${t}, key ${s}: ${t - s} ${t - s === 1 ? "token" : "tokens"} ago, ${rows[t][s] ? "seen" : "not seen"}`;
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
