// Rotary positions: a pair of dimensions turns with its position; a product of two vectors knows only the distance.

/** The product of query q at position m and key k at position n. */
export function product(q, k, m, n, base, pairing) {
  return dot(rotate(q, m, base, pairing), rotate(k, n, base, pairing));
}

const setAll = (el, attributes) => Object.entries(attributes).forEach(([key, value]) => el.setAttribute(key, value));

/** Everything that the picture shows, from the widget's plain data. */
export function describe({ q, k, query, key, shift, pair, base, pairing }) {
  const [m, n] = [query + shift, key + shift];
  const [a, b] = pairs(q.length, pairing)[pair];
  const [qm, kn] = [rotate(q, m, base, pairing), rotate(k, n, base, pairing)];
  const theta = frequencies(q.length, base)[pair];
  return { m, n, a, b, theta, distance: m - n, total: dot(qm, kn), part: qm[a] * kn[a] + qm[b] * kn[b],
    turned: { query: [qm[a], qm[b]], key: [kn[a], kn[b]] }, plain: { query: [q[a], q[b]], key: [k[a], k[b]] } };
}

const BASES = [100, 1000, 10000, 500000];
const STATE = ["query", "key", "shift", "pair", "base", "pairing"];

function arrow(name) {
  const plain = svg("line", { class: "ml-faint", x1: 0, y1: 0 });
  const line = svg("line", { "stroke-width": 3, x1: 0, y1: 0 });
  const head = svg("path");
  const text = svg("text", { "text-anchor": "middle", stroke: "none" });
  const el = svg("g", { style: `color: var(--ml-${name})`, stroke: "currentColor", fill: "currentColor" },
    plain, line, head, text);
  return { el, set([x, y], [px, py], letter, far) {
    const size = Math.hypot(x, y) || 1;
    const [ux, uy] = [x / size, y / size];
    const corner = (along, across) => `${x + ux * along - uy * across},${y + uy * along + ux * across}`;
    setAll(plain, { x2: px, y2: py });
    setAll(line, { x2: x - ux * 6, y2: y - uy * 6 });
    setAll(head, { d: `M${corner(0, 0)}L${corner(-10, 5)}L${corner(-10, -5)}Z` });
    setAll(text, { x: ux * (size + far), y: uy * (size + far) + 5 });
    text.textContent = letter;
  } };
}

/** The arrows of one pair of dimensions, on the circles that their tips run on. */
function dial() {
  const arrows = { key: arrow("key"), query: arrow("query") };
  const arc = svg("path", { class: "ml-arc" });
  const circles = { query: svg("circle", { class: "ml-ring" }), key: svg("circle", { class: "ml-ring" }) };
  const names = [svg("text", { x: 100, y: 15, "text-anchor": "end", class: "ml-tick" }),
    svg("text", { x: 5, y: -92, class: "ml-tick" })];
  const axes = svg("path", { d: "M-98 0H98M0 -98V98", class: "ml-axis" });
  const el = svg("svg", { viewBox: "-112 -108 224 216", role: "img" }, axes, ...Object.values(circles), ...names, arc,
    arrows.key.el, arrows.query.el);
  return { el, set(d, reach) {
    const at = ([x, y]) => [x / reach * 80, -y / reach * 80];
    arrows.query.set(at(d.turned.query), at(d.plain.query), "q", 13);
    arrows.key.set(at(d.turned.key), at(d.plain.key), "k", d.distance === 0 ? 27 : 13);
    Object.entries(circles).forEach(([name, circle]) => setAll(circle, { r: Math.hypot(...at(d.plain[name])) }));
    names.forEach((text, i) => { text.textContent = `dim ${[d.a, d.b][i]}`; });
    setAll(arc, { d: arcPath(at(d.turned.key), at(d.turned.query)) });
    setAll(el, { "aria-label": `Dimensions ${d.a} and ${d.b}: the query turned by ${numberText(d.m * d.theta)} radians, `
      + `the key by ${numberText(d.n * d.theta)}.` });
  } };
}

/** The short way round from one arrow to the other. */
function arcPath(from, to, radius = 24) {
  const [a, b] = [Math.atan2(from[1], from[0]), Math.atan2(to[1], to[0])];
  const turn = ((b - a + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
  const point = (angle) => `${radius * Math.cos(angle)} ${radius * Math.sin(angle)}`;
  return `M${point(a)}A${radius} ${radius} 0 0 ${turn > 0 ? 1 : 0} ${point(b)}`;
}

const PLOT = { left: 34, right: 352, top: 22, bottom: 176 };

/** What never changes in the plot: the grey beyond training, the ticks and the words. */
function backdrop(x, reach, trained) {
  const { left, right, top, bottom } = PLOT;
  const past = [[-reach, -trained], [trained, reach]].map(([from, to]) =>
    svg("rect", { x: x(from), y: top, width: x(to) - x(from), height: bottom - top, class: "ml-past" }));
  const ticks = [-reach, -trained, 0, trained, reach].map((d) =>
    svg("text", { x: x(d), y: bottom + 15, "text-anchor": "middle", class: "ml-tick" }, numberText(d, 0)));
  return [...past, ...ticks, svg("text", { x: left, y: 12 }, "q·k, all dimensions"),
    svg("text", { x: right, y: 12, "text-anchor": "end", class: "ml-tick" }, "grey: farther than in training"),
    svg("text", { x: (left + right) / 2, y: 207, "text-anchor": "middle", class: "ml-tick" },
      "distance m − n (below 0: key after query)")];
}

/** The product of all dimensions against the distance. */
function curve(reach, trained) {
  const { left, right, bottom } = PLOT;
  const x = (d) => left + (d + reach) / (2 * reach) * (right - left);
  const levels = [0, 1, 2].map(() => svg("text", { x: left - 5, "text-anchor": "end", class: "ml-tick" }));
  const zero = svg("line", { x1: left, x2: right, class: "ml-axis" });
  const line = svg("polyline", { class: "ml-curve" });
  const drop = svg("line", { class: "ml-drop", y2: bottom });
  const mark = svg("circle", { r: 5, class: "ml-dot" });
  const value = svg("text", { class: "ml-value", y: bottom - 7 });
  const el = svg("svg", { viewBox: "0 0 360 216", role: "img" }, ...backdrop(x, reach, trained), ...levels,
    zero, drop, line, mark, value);
  return { el, set(f, distance, top) {
    const y = (v) => (PLOT.top + bottom) / 2 - v / top * (bottom - PLOT.top) / 2;
    const points = Array.from({ length: 8 * reach + 1 }, (_, i) => -reach + i / 4);
    const now = f(distance);
    setAll(line, { points: points.map((d) => `${x(d).toFixed(1)},${y(f(d)).toFixed(1)}`).join(" ") });
    setAll(zero, { y1: y(0), y2: y(0) });
    [top, 0, -top].forEach((v, i) => { setAll(levels[i], { y: y(v) + 4 }); levels[i].textContent = numberText(v, 0); });
    setAll(mark, { cx: x(distance), cy: y(now) });
    setAll(drop, { x1: x(distance), x2: x(distance), y1: y(now) });
    const leftwards = x(distance) > right - 60;
    setAll(value, { x: x(distance) + (leftwards ? -6 : 6), "text-anchor": leftwards ? "end" : "start" });
    value.textContent = numberText(now);
    setAll(el, { "aria-label": `The product of query and key against their distance; at ${numberText(distance, 0)} it is `
      + `${numberText(now)}. Distances of ${trained} and more do not occur in training.` });
  } };
}

function table(dHead, trained) {
  const cells = Array.from({ length: dHead / 2 }, () => Array.from({ length: 5 }, () => h("td")));
  const rows = cells.map((row) => h("tr", {}, ...row));
  const head = ["pair", "dimensions", "angle", "wavelength", `turns in ${trained}`];
  const about = " (angle in radians, wavelength in positions; ◔: less than one turn in training)";
  const el = h("table", { className: "ml-table" }, h("caption", {}, "How fast each pair turns", h("small", {}, about)),
    h("thead", {}, h("tr", {}, ...head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, ...rows));
  return { el, set(base, pairing, pair) {
    const lambda = wavelengths(dHead, base);
    pairs(dHead, pairing).forEach(([a, b], j) => {
      const turns = trained / lambda[j];
      const texts = [j, `${a}, ${b}`, (2 * Math.PI / lambda[j]).toPrecision(3), lambda[j].toFixed(1),
        `${turns < 1 ? "◔ " : ""}${turns.toFixed(2)}`];
      texts.forEach((text, i) => { cells[j][i].textContent = text; });
      rows[j].dataset.on = j === pair;
    });
  } };
}

function controls(data, change) {
  const whole = (text) => (value) => `${text} ${value}`;
  const last = data.reach;
  const bases = [...new Set([...BASES, data.base])].sort((a, b) => a - b);
  return {
    query: slider("query position", { min: 0, max: last, format: whole("m =") }, (v) => change("query", v)),
    key: slider("key position", { min: 0, max: last, format: whole("n =") }, (v) => change("key", v)),
    shift: slider("shift both", { min: 0, max: 2 * last, format: (v) => `+ ${v}` }, (v) => change("shift", v)),
    pair: slider("pair", { min: 0, max: data.q.length / 2 - 1, format: (v) => `j = ${v}` }, (v) => change("pair", v)),
    base: choice("base", bases.map((b) => [b, b.toLocaleString("en")]), (v) => change("base", Number(v))),
    pairing: choice("pairing", [["half", "half: j with j + Dh/2"], ["interleaved", "interleaved: 2j with 2j + 1"]],
      (v) => change("pairing", v)),
  };
}

/** The longest arrow that any pair can draw: the scale of the dial. */
function longest({ q, k }) {
  const lengths = (pairing) => pairs(q.length, pairing).flatMap(([a, b]) => [q, k].map((x) => Math.hypot(x[a], x[b])));
  return Math.max(...lengths("half"), ...lengths("interleaved"));
}

function render({ model, el }) {
  const data = Object.fromEntries(["q", "k", "reach", "trained", ...STATE].map((key) => [key, model.get(key)]));
  const first = { ...data };
  const [reach, top] = [longest(data), Math.ceil(Math.sqrt(dot(data.q, data.q) * dot(data.k, data.k)))];
  const parts = { dial: dial(), curve: curve(data.reach, data.trained), table: table(data.q.length, data.trained) };
  const made = controls(data, change);
  const read = h("p", { className: "ml-read" });
  const root = h("div", { className: "ml-root ml-rope", role: "group", "aria-label": "Rotary positions" },
    h("div", { className: "ml-controls" }, ...Object.values(made).map((c) => c.el),
      resetButton(() => STATE.forEach((key) => change(key, first[key])))),
    h("div", { className: "ml-pictures" }, h("div", {}, parts.dial.el), h("div", {}, parts.curve.el)),
    read, parts.table.el);

  const draw = oncePerFrame(() => {
    const d = describe(data);
    parts.dial.set(d, reach);
    parts.curve.set((x) => product(data.q, data.k, x, 0, data.base, data.pairing), d.distance, top);
    parts.table.set(data.base, data.pairing, data.pair);
    read.replaceChildren(...readout(d, data));
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

/** The two products in words and numbers. */
function readout(d, data) {
  const number = (name, value) => h("b", { "data-number": name }, numberText(value));
  const far = Math.abs(d.distance) >= data.trained ? " No training text had this distance." : "";
  const place = (name, position) => h("b", { className: name }, String(position));
  return ["Query at ", place("ml-q", d.m), ", key at ", place("ml-k", d.n),
    `: distance ${numberText(d.distance, 0)}. This pair gives `, number("part", d.part),
    `, all ${data.q.length} dimensions `, number("total", d.total), `.${far}`];
}

export default { render };
