// Three words in a plane. One of them is moved: its query, its key, its value and what it gets follow.

const dot = (a, b) => a[0] * b[0] + a[1] * b[1];

/** What the last of three words gets from all of them. As three_words in minillm.widgets.three. */
export function attendThree(points, [Wq, Wk, Wv]) {
  const through = (W) => points.map((x) => W.map((row) => dot(row, x)));
  const [q, k, v] = [through(Wq).at(-1), through(Wk), through(Wv)];
  const scores = k.map((key) => dot(q, key) / Math.SQRT2);
  const powers = scores.map((s) => Math.exp(s - Math.max(...scores)));
  const weights = powers.map((p) => p / powers.reduce((a, b) => a + b));
  const output = [0, 1].map((d) => weights.reduce((sum, w, i) => sum + w * v[i][d], 0));
  return { q, k, v, scores, weights, output };
}

const pair = (x) => `(${numberText(x[0])}, ${numberText(x[1])})`;
const MARKS = { circle: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0", square: "M-5 -5h10v10h-10z", diamond: "M0 -8l8 8l-8 8l-8 -8z", arrow: "M0 -7l6 12h-12z" };

function mark([x, y], shape, color, from) {
  return [...from ? [svg("line", { x1: from[0], y1: from[1], x2: x, y2: y, class: `ml-stroke ml-${color}` })] : [],
    svg("path", { d: MARKS[shape], transform: `translate(${x} ${y})`, class: `ml-fill ml-${color}` })];
}

function render({ model, el }) {
  const [words, others, matrices, edge] = ["words", "others", "matrices", "edge"].map((key) => model.get(key));
  const inside = (x) => Math.round(Math.min(Math.max(x, -edge), edge) * 20) / 20;
  const last = words.at(-1);
  const move = (x, y) => { shown.change("x", inside(x)); shown.change("y", inside(y)); };
  const [embeddings, asking, giving] = [plane(edge + 0.3, move, () => [shown.data.x, shown.data.y]), plane(4), plane(3)];
  const read = h("p", { className: "ml-read", role: "status" });
  const rows = h("tbody");
  const box = (name, says, picture) => h("div", {}, h("p", { className: "ml-caption" }, h("b", {}, name), ` ${says}`), picture.el);
  const range = { min: -edge, max: edge, step: 0.05, format: (v) => numberText(v) };
  const shown = panel({ model, name: "three", label: "Queries, keys and values of three words", draw, parts: [
    h("div", { className: "ml-planes" }, box("x", `drag “${last}”`, embeddings), box("q, k", `its query, all keys`, asking), box("v", "values, and the output", giving)),
    read, h("div", { className: "ml-scroll" }, h("table", { className: "ml-table" }, h("thead", {}, h("tr", {},
      ...["word", "key", "q · k / √2", "weight", "value"].map((name) => h("th", { scope: "col" }, name)))), rows))],
  controls: { x: (tell) => slider(`${last}: person`, range, tell), y: (tell) => slider(`${last}: place`, range, tell) } });

  function draw({ x, y }) {
    const points = [...others, [x, y]];
    const { q, k, v, scores, weights, output } = attendThree(points, matrices);
    const middle = [100, 100];
    const named = (picture, places, names) => placeNames(places.map(picture.at), names);
    embeddings.set(`${words.map((w, i) => `${w} at ${pair(points[i])}`).join(", ")}; drag or arrow keys move ${last}`,
      points.map((p, i) => mark(embeddings.at(p), "circle", "residual", i === 2 ? middle : null)), named(embeddings, points, words));
    asking.set(`the query of ${last} at ${pair(q)}, keys at ${k.map(pair).join(", ")}`, k.map((p) => mark(asking.at(p), "circle", "key")),
      mark(asking.at(q), "arrow", "query", middle), named(asking, [...k, q], [...words, "query"]));
    giving.set(`values at ${v.map(pair).join(", ")}; the output at ${pair(output)} lies between them`,
      svg("path", { class: "ml-ring", d: `M${v.map((p) => giving.at(p).join(" ")).join("L")}Z` }), v.map((p) => mark(giving.at(p), "square", "value")),
      mark(giving.at(output), "diamond", "output"), named(giving, [...v, output], [...words, "output"]));
    const most = weights.indexOf(Math.max(...weights));
    read.replaceChildren(`“${last}” attends most to “${words[most]}”, whose key points ${dot(q, k[most]) > 0 ? "along" : "least against"} its query. The output is `,
      h("b", { "data-number": "output" }, pair(output)), ", a weighted mean, so it never leaves the triangle of the values.");
    rows.replaceChildren(...words.map((w, i) => h("tr", { "data-on": i === most }, ...[h("td", {}, w), h("td", {}, pair(k[i])), h("td", {}, numberText(scores[i])),
      h("td", { className: "ml-share", style: `--p:${weights[i].toFixed(3)}` }, numberText(weights[i])), h("td", {}, pair(v[i]))])));
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
