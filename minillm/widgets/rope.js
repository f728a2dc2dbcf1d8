// Rotary positions: a pair of dimensions turns with its position; a product of two vectors knows only the distance.

/** The product of query q at position m and key k at position n. */
export function product(q, k, m, n, base, pairing) {
  return dot(rotate(q, m, base, pairing), rotate(k, n, base, pairing));
}

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
  const parts = { plain: svg("line", { class: "ml-faint" }), line: svg("line", { "stroke-width": 3 }), head: svg("path"),
    text: svg("text", { "text-anchor": "middle" }) };
  const el = svg("g", { style: `color: var(--ml-${name})`, stroke: "currentColor", fill: "currentColor" },
    parts.plain, parts.line, parts.head, parts.text);
  parts.text.setAttribute("stroke", "none");
  return { el, set([x, y], [px, py], letter, far) {
    const size = Math.hypot(x, y) || 1;
    const [ux, uy] = [x / size, y / size];
    const tip = (along, across) => `${x + ux * along - uy * across},${y + uy * along + ux * across}`;
    Object.entries({ x1: 0, y1: 0, x2: px, y2: py }).forEach(([k, v]) => parts.plain.setAttribute(k, v));
    Object.entries({ x1: 0, y1: 0, x2: x - ux * 6, y2: y - uy * 6 }).forEach(([k, v]) => parts.line.setAttribute(k, v));
    parts.head.setAttribute("d", `M${tip(0, 0)}L${tip(-10, 5)}L${tip(-10, -5)}Z`);
    Object.entries({ x: ux * (size + far), y: uy * (size + far) + 5 }).forEach(([k, v]) => parts.text.setAttribute(k, v));
    parts.text.textContent = letter;
  } };
}

function dial() {
  const arrows = { key: arrow("key"), query: arrow("query") };
  const arc = svg("path", { class: "ml-arc" });
  const axes = [[-98, 0, 98, 0], [0, -98, 0, 98]].map(([x1, y1, x2, y2]) => svg("line", { x1, y1, x2, y2, class: "ml-axis" }));
  const circles = { query: svg("circle", { class: "ml-axis", fill: "none" }), key: svg("circle", { class: "ml-axis", fill: "none" }) };
  const names = [svg("text", { x: 100, y: 15, "text-anchor": "end", class: "ml-tick" }),
    svg("text", { x: 5, y: -92, class: "ml-tick" })];
  const el = svg("svg", { viewBox: "-112 -108 224 216", role: "img" }, ...axes, ...Object.values(circles), ...names, arc, arrows.key.el, arrows.query.el);
  return { el, set(d, reach) {
    const at = ([x, y]) => [x / reach * 80, -y / reach * 80];
    arrows.query.set(at(d.turned.query), at(d.plain.query), "q", 13);
    arrows.key.set(at(d.turned.key), at(d.plain.key), "k", d.distance === 0 ? 27 : 13);
    Object.entries(circles).forEach(([name, circle]) => circle.setAttribute("r", Math.hypot(...at(d.plain[name]))));
    names[0].textContent = `dim ${d.a}`;
    names[1].textContent = `dim ${d.b}`;
    arc.setAttribute("d", arcPath(at(d.turned.key), at(d.turned.query)));
    el.setAttribute("aria-label", `Dimensions ${d.a} and ${d.b}: the query turned by ${numberText(d.m * d.theta)} radians, `
      + `the key by ${numberText(d.n * d.theta)}.`);
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

function curve(reach, trained) {
  const x = (d) => PLOT.left + (d + reach) / (2 * reach) * (PLOT.right - PLOT.left);
  const line = svg("polyline", { class: "ml-curve" });
  const dotMark = svg("circle", { r: 5, class: "ml-dot" });
  const value = svg("text", { class: "ml-value", y: PLOT.bottom - 7 });
  const drop = svg("line", { class: "ml-drop", y2: PLOT.bottom });
  const past = [[-reach, -trained], [trained, reach]].map(([from, to]) =>
    svg("rect", { x: x(from), y: PLOT.top, width: x(to) - x(from), height: PLOT.bottom - PLOT.top, class: "ml-past" }));
  const ticks = [-reach, -trained, 0, trained, reach].map((d) =>
    svg("text", { x: x(d), y: PLOT.bottom + 15, "text-anchor": "middle", class: "ml-tick" }, numberText(d, 0)));
  const levels = [0, 1, 2].map(() => svg("text", { x: PLOT.left - 5, "text-anchor": "end", class: "ml-tick" }));
  const zero = svg("line", { x1: PLOT.left, x2: PLOT.right, class: "ml-axis" });
  const labels = [svg("text", { x: PLOT.right, y: 12, "text-anchor": "end", class: "ml-tick" }, "grey: farther than in training"),
    svg("text", { x: PLOT.left, y: 12, class: "ml-title" }, "q·k, all dimensions"),
    svg("text", { x: (PLOT.left + PLOT.right) / 2, y: 207, "text-anchor": "middle", class: "ml-tick" },
      "distance m − n (below 0: key after query)")];
  const el = svg("svg", { viewBox: "0 0 360 216", role: "img" }, ...past, zero, drop, line, dotMark, value, ...ticks, ...levels, ...labels);
  return { el, set(f, distance, top) {
    const y = (v) => (PLOT.top + PLOT.bottom) / 2 - v / top * (PLOT.bottom - PLOT.top) / 2;
    const points = Array.from({ length: 8 * reach + 1 }, (_, i) => -reach + i / 4);
    line.setAttribute("points", points.map((d) => `${x(d).toFixed(1)},${y(f(d)).toFixed(1)}`).join(" "));
    zero.setAttribute("y1", y(0)); zero.setAttribute("y2", y(0));
    [top, 0, -top].forEach((v, i) => { levels[i].setAttribute("y", y(v) + 4); levels[i].textContent = numberText(v, 0); });
    dotMark.setAttribute("cx", x(distance)); dotMark.setAttribute("cy", y(f(distance)));
    Object.entries({ x1: x(distance), x2: x(distance), y1: y(f(distance)) }).forEach(([k, v]) => drop.setAttribute(k, v));
    const leftwards = x(distance) > PLOT.right - 60;
    value.setAttribute("x", x(distance) + (leftwards ? -6 : 6));
    value.setAttribute("text-anchor", leftwards ? "end" : "start");
    value.textContent = numberText(f(distance));
    el.setAttribute("aria-label", `The product of query and key against their distance; at ${distance} it is ${numberText(f(distance))}. `
      + `Distances of ${trained} and more do not occur in training.`);
  } };
}

function table(dHead, trained) {
  const cells = Array.from({ length: dHead / 2 }, () => Array.from({ length: 5 }, () => h("td")));
  const rows = cells.map((row) => h("tr", {}, ...row));
  const head = ["pair", "dimensions", "angle", "wavelength", `turns in ${trained}`];
  const el = h("table", { className: "ml-table" }, h("caption", {}, "How fast each pair turns", h("small", {}, " (angle in radians and wavelength in positions; "
    + "◔: less than one turn in training)")),
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
  return {
    query: slider("query position", { min: 0, max: last, format: whole("m =") }, (v) => change("query", v)),
    key: slider("key position", { min: 0, max: last, format: whole("n =") }, (v) => change("key", v)),
    shift: slider("shift both", { min: 0, max: 2 * last, format: (v) => `+ ${v}` }, (v) => change("shift", v)),
    pair: slider("pair", { min: 0, max: data.q.length / 2 - 1, format: (v) => `j = ${v}` }, (v) => change("pair", v)),
    base: choice("base", [...new Set([...BASES, data.base])].sort((a, b) => a - b).map((b) => [b, b.toLocaleString("en")]),
      (v) => change("base", Number(v))),
    pairing: choice("pairing", [["half", "half: j with j + Dh/2"], ["interleaved", "interleaved: 2j with 2j + 1"]],
      (v) => change("pairing", v)),
  };
}

function render({ model, el }) {
  const data = Object.fromEntries(["q", "k", "reach", "trained", ...STATE].map((key) => [key, model.get(key)]));
  const first = { ...data };
  const longest = Math.max(...["half", "interleaved"].flatMap((pairing) => pairs(data.q.length, pairing)
    .flatMap(([a, b]) => [Math.hypot(data.q[a], data.q[b]), Math.hypot(data.k[a], data.k[b])])));
  const top = Math.ceil(Math.sqrt(dot(data.q, data.q) * dot(data.k, data.k)));
  const parts = { dial: dial(), curve: curve(data.reach, data.trained), table: table(data.q.length, data.trained) };
  const made = controls(data, change);
  const read = h("p", { className: "ml-read" });
  const root = h("div", { className: "ml-root ml-rope", role: "group", "aria-label": "Rotary positions" },
    h("div", { className: "ml-controls" }, ...Object.values(made).map((c) => c.el),
      resetButton(() => STATE.forEach((key) => change(key, first[key])))),
    h("div", { className: "ml-pictures" }, h("div", {}, parts.dial.el), h("div", {}, parts.curve.el)), read, parts.table.el);

  const draw = oncePerFrame(() => {
    const d = describe(data);
    parts.dial.set(d, longest);
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
  const listeners = STATE.map((key) => [`change:${key}`, () => {
    if (data[key] === model.get(key)) return;
    data[key] = model.get(key);
    made[key].set(data[key]);
    draw();
  }]);
  listeners.forEach(([name, tell]) => model.on(name, tell));
  STATE.forEach((key) => made[key].set(data[key]));
  draw();
  el.append(root);
  return () => { listeners.forEach(([name, tell]) => model.off(name, tell)); root.remove(); };
}

/** The two products in words and numbers. */
function readout(d, data) {
  const number = (name, value) => h("b", { "data-number": name }, numberText(value));
  const far = Math.abs(d.distance) >= data.trained ? " No training text had this distance." : "";
  return ["Query at ", h("b", { className: "ml-q" }, String(d.m)), ", key at ", h("b", { className: "ml-k" }, String(d.n)),
    `: distance ${numberText(d.distance, 0)}. This pair gives `, number("part", d.part), ", all ", `${data.q.length} dimensions `,
    number("total", d.total), `.${far}`];
}

export default { render };
