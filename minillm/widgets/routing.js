// Routing in a mixture of experts: tokens of a sentence flow to the experts that a trained router chose.

const STATE = ["sentence", "kind", "step", "top_k", "capacity"];
const COLOR = ["query", "key", "value", "output"].map((name) => `var(--ml-${name})`);
const KINDS = [["none", "none"], ["loss", "balancing loss"], ["bias", "bias in the choice"]];
const add = (values) => values.reduce((a, b) => a + b, 0);
const columns = (count) => Array.from({ length: count }, (_, e) => `expert ${e}`);

/** The numbers of the k largest, the largest first. */
export function bestOf(row, k) {
  return row.map((_, i) => i).sort((a, b) => row[b] - row[a]).slice(0, k);
}

/** x (N, D), W (E, D), balance (E) -> logits and p (N, E), indices and weights (N, k). */
export function routeTokens(x, W, balance, k) {
  const logits = x.map((row) => W.map((w) => dot(w, row)));
  const p = logits.map(softmax);
  const indices = p.map((row) => bestOf(row.map((v, e) => v + balance[e]), k));
  const weights = indices.map((chosen, t) => {
    const values = chosen.map((e) => p[t][e]);
    return k === 1 ? values : values.map((v) => v / add(values));
  });
  return { logits, p, indices, weights };
}

/** Who finds room: first choices before second ones, earlier tokens before later ones. */
export function fillBuffers(indices, count, factor) {
  const [N, k] = [indices.length, indices[0].length];
  const capacity = Math.ceil(factor * N * k / count - 1e-9);
  const queue = Array(count).fill(0);
  const place = indices.map(() => Array(k).fill(0));
  for (let choice = 0; choice < k; choice += 1) {
    for (let t = 0; t < N; t += 1) {
      const e = indices[t][choice];
      place[t][choice] = queue[e];
      queue[e] += 1;
    }
  }
  return { capacity, place, kept: place.map((row) => row.map((at) => at < capacity)), counts: queue };
}

/** Evenness of the load (0 to 1), balancing loss (even: k), share of choices that are dropped. */
export function measure(p, { counts, kept }) {
  const [N, E, all] = [p.length, counts.length, add(counts)];
  const shares = counts.map((n) => n / all).filter((f) => f > 0);
  const loss = E * add(counts.map((n, e) => (n / N) * (add(p.map((row) => row[e])) / N)));
  return { evenness: Math.abs(add(shares.map((f) => f * Math.log(f)))) / Math.log(E), loss,
    dropped: kept.flat().filter((room) => !room).length / all };
}

/** Everything that is shown, from the file and the reader's choices. */
export function describe({ tensors, sizes, words }, { sentence, kind, step, top_k: k, capacity }) {
  const name = `${kind}.${sizes.steps[step]}`;
  const routed = routeTokens(tensors[`${name}.x${sentence}`], tensors[`${name}.W_r`], tensors[`${name}.balance`], k);
  const buffers = fillBuffers(routed.indices, routed.p[0].length, capacity);
  return { ...routed, ...buffers, ...measure(routed.p, buffers), words: words[sentence],
    balance: tensors[`${name}.balance`], elsewhere: sizes.evenness[kind][step] };
}

/** The weights as one matrix (N, E): what was not chosen is no number, what was dropped is zero. */
export function weightMatrix({ p, indices, weights, kept }) {
  return p.map((row, t) => row.map((_, e) => {
    const choice = indices[t].indexOf(e);
    return choice < 0 ? NaN : kept[t][choice] ? weights[t][choice] : 0;
  }));
}

/** Where token t and expert e meet, in numbers. */
export function explain(d, t, e) {
  const n = numberText;
  const total = add(d.logits[t].map(Math.exp));
  const first = `Logit x·w = ${n(d.logits[t][e])}; p = e^${n(d.logits[t][e])} / ${n(total)} = ${n(d.p[t][e])}`;
  const bias = d.balance[e] ? `, ${n(d.p[t][e] + d.balance[e])} with its bias` : "";
  const choice = d.indices[t].indexOf(e);
  if (choice < 0) return `${first}${bias}. Not chosen.`;
  const values = d.indices[t].map((i) => d.p[t][i]);
  const weight = values.length === 1 ? `weight ${n(values[0])}, p itself`
    : `weight ${n(values[choice])} / (${values.map((v) => n(v)).join(" + ")}) = ${n(d.weights[t][choice])}`;
  const end = d.kept[t][choice] ? `of ${d.capacity}` : `, but room for ${d.capacity}: dropped`;
  return `${first}${bias}. Choice ${choice + 1}, ${weight}. Place ${d.place[t][choice] + 1} ${end}.`.replace(" ,", ",");
}

const PLACE = { row: (t) => 30 + 24 * t, expert: (e) => 66 + 72 * e, left: 92, right: 236, bars: 318, unit: 8 };

/** A token: a chip that can be pointed at, tabbed to and pressed. */
function chip(t, choose) {
  const text = svg("text", { x: 46, y: PLACE.row(t) + 4, "text-anchor": "middle" });
  const el = svg("g", { role: "button", tabindex: 0, class: "ml-token", onclick: () => choose(t),
    onpointerenter: () => choose(t), onfocus: () => choose(t) },
    svg("rect", { x: 3, y: PLACE.row(t) - 10, width: 86, height: 20, rx: 5 }), text);
  return { el, set(word, on, label) {
    text.textContent = visible(word).slice(0, 11);
    el.setAttribute("aria-pressed", String(on));
    el.setAttribute("aria-label", label);
  } };
}

/** An expert with the bar of its load and the line of its capacity. */
function expert(e) {
  const y = PLACE.expert(e);
  const kept = svg("rect", { x: PLACE.bars, y: y - 9, height: 18, class: "ml-kept" });
  const lost = svg("rect", { y: y - 9, height: 18, class: "ml-lost" });
  const line = svg("path", { class: "ml-capacity" });
  const count = svg("text", { x: PLACE.bars, y: y + 27, class: "ml-count" });
  const el = svg("g", { style: `color: ${COLOR[e]}` },
    svg("rect", { x: PLACE.right + 2, y: y - 16, width: 72, height: 32, rx: 5, class: "ml-box" }),
    svg("text", { x: PLACE.right + 38, y: y + 5, "text-anchor": "middle" }, `expert ${e}`), kept, lost, line, count);
  return { el, set(n, capacity) {
    const inside = Math.min(n, capacity);
    kept.setAttribute("width", inside * PLACE.unit);
    lost.setAttribute("x", PLACE.bars + inside * PLACE.unit);
    lost.setAttribute("width", (n - inside) * PLACE.unit);
    line.setAttribute("d", capacity > 12 ? "" : `M${PLACE.bars + capacity * PLACE.unit} ${y - 15}v30`);
    count.textContent = `${n}${n > inside ? `, ${n - inside} dropped` : ""}`;
  } };
}

/** The lines of all choices; those of the chosen token stand out. */
function ribbons(d, chosen) {
  return d.indices.flatMap((row, t) => row.map((e, choice) => {
    const [y, to, room] = [PLACE.row(t), PLACE.expert(e), d.kept[t][choice]];
    const path = `M${PLACE.left} ${y}C${PLACE.left + 70} ${y} ${PLACE.right - 70} ${to} ${PLACE.right} ${to}`;
    return svg("path", { d: path, class: room ? "ml-ribbon" : "ml-ribbon ml-lost", "data-on": String(t === chosen),
      style: `color: ${room ? COLOR[e] : "var(--ml-muted)"}; stroke-width: ${1 + 6 * d.weights[t][choice]}` });
  }));
}

function flow(count, experts, choose) {
  const lines = svg("g", {});
  const chips = Array.from({ length: count }, (_, t) => chip(t, choose));
  const boxes = Array.from({ length: experts }, (_, e) => expert(e));
  const el = svg("svg", { viewBox: "0 0 420 324", role: "group" },
    svg("text", { x: 46, y: 12, "text-anchor": "middle", class: "ml-tick" }, "tokens"),
    svg("text", { x: PLACE.right + 38, y: 12, "text-anchor": "middle", class: "ml-tick" }, "experts"),
    svg("text", { x: PLACE.bars, y: 12, class: "ml-tick" }, "load"),
    lines, ...chips.map((c) => c.el), ...boxes.map((b) => b.el));
  return { el, set(d, t) {
    lines.replaceChildren(...ribbons(d, t));
    chips.forEach((c, i) => c.set(d.words[i], i === t, `${d.words[i]}: `
      + d.indices[i].map((e, j) => `expert ${e}${d.kept[i][j] ? "" : ", dropped"}`).join("; ")));
    boxes.forEach((b, e) => b.set(d.counts[e], d.capacity));
    el.setAttribute("aria-label", `Tokens and their experts. Load of experts 0 to ${d.counts.length - 1}: `
      + `${d.counts.join(", ")}; each has room for ${d.capacity}.`);
  } };
}

function controls({ sizes, words }, change) {
  const names = words.map((row, i) => [i, `${row.slice(0, 6).join(" ")} …`]);
  return {
    sentence: choice("sentence", names, (v) => change("sentence", Number(v))),
    kind: choice("balancing", KINDS, (v) => change("kind", v)),
    step: slider("training step", { min: 0, max: sizes.steps.length - 1, format: (i) => String(sizes.steps[i]) },
      (v) => change("step", v)),
    top_k: slider("experts per token", { min: 1, max: 3, format: (k) => `k = ${k}` }, (v) => change("top_k", v)),
    capacity: slider("capacity factor", { min: 0.5, max: 3, step: 0.25, format: (c) => numberText(c) },
      (v) => change("capacity", v)),
  };
}

/** The measures of the state, in words and numbers. */
function readout(d, k) {
  const number = (name, text) => h("b", { "data-number": name }, text);
  const lost = d.kept.flat().filter((room) => !room).length;
  const items = [
    ["room in each expert: ", number("capacity", String(d.capacity)), ` of ${d.words.length * k} choices`],
    ["dropped: ", number("dropped", String(lost)), ` (${numberText(100 * d.dropped, 0)}%)`],
    ["balancing loss: ", number("loss", numberText(d.loss)), ` (even: ${k})`],
    ["evenness of this load: ", number("evenness", numberText(d.evenness))],
    ["evenness on unseen tales: ", number("elsewhere", numberText(d.elsewhere))],
  ];
  return items.map((item) => h("li", {}, ...item));
}

function render({ model, el }) {
  const file = readWeights(model.get("weights"));
  const data = Object.fromEntries(STATE.map((key) => [key, model.get(key)]));
  const first = { ...data };
  const [N, E] = [file.words[0].length, file.tensors[`none.${file.sizes.steps[0]}.balance`].length];
  const at = { t: 0, e: null };
  const point = (t, e) => { if (at.t !== t || at.e !== e) { Object.assign(at, { t, e }); draw(); } };
  const made = controls(file, change);
  const picture = flow(N, E, (t) => { if (at.t !== t) point(t, null); });
  const grids = { p: matrix("probabilities", "N×E", point), weights: matrix("weights", "N×E", point) };
  const [read, cell, sums] = [h("ul", { className: "ml-read" }), h("p", { className: "ml-cell" }),
    h("p", { className: "ml-sum" })];
  const reset = resetButton(() => { point(0, null); STATE.forEach((key) => change(key, first[key])); });
  const root = h("div", { className: "ml-root ml-routing", role: "group", "aria-label": "Routing" },
    h("div", { className: "ml-controls" }, ...Object.values(made).map((c) => c.el), reset),
    h("div", { className: "ml-pictures" }, picture.el, h("div", {}, read, cell, sums)),
    h("div", { className: "ml-grids" }, ...Object.values(grids).map((g) => h("div", { className: "ml-scroll" }, g.el))));

  const draw = oncePerFrame(() => {
    const d = describe(file, data);
    const e = at.e ?? d.indices[at.t][0];
    const shared = { rows: d.words.map(visible), columns: columns(E).map((name) => name.slice(-1)), signed: false,
      top: 1, at: [at.t, e] };
    picture.set(d, at.t);
    grids.p.set({ ...shared, values: d.p });
    grids.weights.set({ ...shared, values: weightMatrix(d) });
    read.replaceChildren(...readout(d, data.top_k));
    cell.textContent = `${visible(d.words[at.t])} → expert ${e}`;
    sums.textContent = explain(d, at.t, e);
  });
  function change(key, value) {
    data[key] = value;
    made[key].set(value);
    model.set(key, value);
    model.save_changes();
    draw();
  }
  const listeners = STATE.map((key) => [`change:${key}`,
    () => { if (data[key] !== model.get(key)) change(key, model.get(key)); }]);
  listeners.forEach(([name, tell]) => model.on(name, tell));
  STATE.forEach((key) => change(key, data[key]));
  el.append(root);
  return () => { listeners.forEach(([name, tell]) => model.off(name, tell)); root.remove(); };
}

export default { render };
