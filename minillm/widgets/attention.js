// One head of a small trained model at work on a sentence: scores, mask, softmax, output.

const MOST = 8;                                            // words that are shown; the heights are made for them
const CONTROLS = ["text", "head", "causal", "temperature"];

/** A positive number that may be very large or very small. */
function short(x) {
  return x === 0 || (x >= 0.01 && x < 1e4) ? numberText(x) : x.toExponential(1).replace("e+", "e").replace("-", "−");
}

/** The sum behind the chosen cell [t, s] of each step, and behind output [t, d], in numbers. */
export function explain(head, words, t, s, d, temperature) {
  const n = numberText;
  const factor = (x) => (x < 0 ? `(${n(x)})` : n(x));
  const terms = (a, b) => a.map((x, i) => `${n(x)}×${factor(b[i])}`).join(" + ").replaceAll("+ −", "− ");
  const blocked = head.masked[t][s] === -Infinity;
  const powers = head.masked[t].map((x) => Math.exp(x / temperature));
  const total = powers.reduce((a, b) => a + b, 0);
  const over = temperature === 1 ? "" : ` / ${n(temperature, 1)}`;
  return {
    scores: `(${terms(head.q[t], head.k[s])}) / √${head.q[t].length} = ${n(head.scores[t][s])}`,
    masked: blocked ? `“${words[s]}” comes after “${words[t]}”: ${n(head.scores[t][s])} becomes −∞`
      : `${n(head.scores[t][s])} stays as it is`,
    weights: blocked ? "e^−∞ = 0: no attention"
      : `e^(${n(head.masked[t][s])}${over}) / sum of the row = ${short(powers[s])} / ${short(total)} = `
        + n(head.weights[t][s]),
    output: `${terms(head.weights[t], head.v.map((row) => row[d]))} = ${n(head.output[t][d])}`,
  };
}

/** The likeliest next words, as [word, probability] pairs. */
export function nextWords(logits, words, count = 3) {
  return softmax(logits).map((p, i) => [words[i], p]).sort((a, b) => b[1] - a[1]).slice(0, count);
}

function step(name, dims, about, tell) {
  const grid = matrix(name, dims, tell);
  const cell = h("p", { className: "ml-cell" });
  const sums = h("p", { className: "ml-sum" });
  const el = h("div", { className: "ml-step", "data-step": name }, h("div", { className: "ml-scroll" }, grid.el),
    h("div", {}, h("p", { className: "ml-note" }, about), cell, sums));
  return { el, grid, set(data, title, text) {
    grid.set(data);
    cell.textContent = title;
    sums.textContent = text;
  } };
}

function chips(tokens, chosen, choose) {
  return tokens.map(({ word, id }, t) => h("button", { type: "button", className: "ml-chip", "data-unknown": id === 0,
    "aria-pressed": String(t === chosen), "data-word": word,
    onclick: () => choose(t), onpointerenter: () => choose(t), onfocus: () => choose(t) },
    visible(word), id === 0 ? h("small", {}, " unknown") : ""));
}

function steps(point) {
  return {
    scores: step("scores", "T×S", "Query of the row times key of the column, over √Dh.", point("s")),
    masked: step("masked", "T×S", "What comes later is set to −∞.", point("s")),
    weights: step("weights", "T×S", "Softmax of each row: it sums to 1.", point("s")),
    output: step("output", "T×Dh", "Each row: values of all words, mixed by its weights.", point("d")),
  };
}

function headName(value) {
  const [layer, head] = value.split(".").map(Number);
  return `layer ${layer + 1}, head ${head + 1}`;
}

function textField(label, tell) {
  const input = h("input", { "data-lm-suppress-shortcuts": "true", type: "text", maxLength: 120, autocomplete: "off",
    spellcheck: false, oninput: () => tell(input.value) });
  return { el: h("div", { className: "ml-control ml-wide" }, h("label", {}, h("span", {}, label), input)),
    set(value) { if (input.value !== value) input.value = value; } };
}

function controls(data, examples, heads, change) {
  const own = ["", "(your own)"];
  return {
    example: choice("example", [own, ...examples.map((text) => [text, text])], (v) => { if (v) change("text", v); }),
    text: textField("sentence", (v) => change("text", v)),
    head: choice("head", heads.map((value) => [value, headName(value)]), (v) => change("head", v)),
    temperature: slider("temperature", { min: 0.2, max: 4, step: 0.1, format: (v) => numberText(v, 1) },
      (v) => change("temperature", v)),
    causal: toggle("causal mask", (v) => change("causal", v)),
  };
}

/** Run the model on the first words of the sentence; keep what the chosen head did. */
function compute(model, { text, head: name, causal, temperature }) {
  const all = tokenize(text, model.words);
  const tokens = all.slice(0, MOST);
  const [layer, head] = name.split(".").map(Number);
  const ids = tokens.map((token) => token.id);
  const run = tokens.length ? forward(model, ids, { layer, head, causal, temperature }) : null;
  return { tokens, left: all.length - tokens.length, head: run?.layers[layer][head], logits: run?.logits.at(-1) };
}

function message(tokens, left) {
  if (!tokens.length) return "Type a word or two: there is nothing to look at yet.";
  const unknown = tokens.filter((token) => token.id === 0).length;
  const known = unknown ? `${unknown} unknown to the model: it sees <unk> there.` : "All words are known to the model.";
  return left > 0 ? `${known} Only the first ${MOST} words are shown.` : known;
}

/** Draw one computed state into the four grids; `at` is where the reader stands. */
function showSteps(shown, head, names, at, temperature) {
  const sums = explain(head, names, at.t, at.s, at.d, temperature);
  const square = { rows: names, columns: names, at: [at.t, at.s] };
  const wide = { rows: names, columns: head.v[0].map((_, d) => String(d)), at: [at.t, at.d] };
  const title = `${names[at.t]} → ${names[at.s]}`;
  const top = Math.max(...head.scores.flat().map(Math.abs), 1);
  shown.scores.set({ ...square, values: head.scores, signed: true, top }, title, sums.scores);
  shown.masked.set({ ...square, values: head.masked, signed: true, top }, title, sums.masked);
  shown.weights.set({ ...square, values: head.weights, signed: false, top: 1 }, title, sums.weights);
  shown.output.set({ ...wide, values: head.output, signed: true }, `${names[at.t]}, dimension ${at.d}`, sums.output);
}

/** The row of words; built anew only when the words change, so that focus stays where it is. */
function showChips(row, tokens, chosen, choose) {
  const same = row.childElementCount === tokens.length
    && [...row.children].every((chip, i) => chip.dataset.word === tokens[i].word);
  if (!same) row.replaceChildren(...chips(tokens, chosen, choose));
  [...row.children].forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === chosen)));
}

/** Keep the reader's place inside of the sentence; at first, on the key that the last word looks at most. */
function keepInside(at, head) {
  const n = head.scores.length;
  const row = head.weights[clamp(at.t, n)];
  at.t = clamp(at.t, n);
  at.s = at.s === null ? row.indexOf(Math.max(...row)) : clamp(at.s, n);
}

function render({ model, el }) {
  const weights = readWeights(model.get("weights"));
  const { n_heads: count, n_layers: layers } = weights.sizes;
  const heads = Array.from({ length: layers * count }, (_, i) => `${Math.floor(i / count)}.${i % count}`);
  const examples = model.get("examples");
  const data = Object.fromEntries(CONTROLS.map((key) => [key, model.get(key)]));
  const first = { ...data };
  const start = { t: MOST, s: null, d: 0 };
  const at = { ...start };
  const made = controls(data, examples, heads, change);
  const shown = steps((axis) => (row, column) => { Object.assign(at, { t: row, [axis]: column }); draw(); });
  const row = h("div", { className: "ml-chips", role: "group", "aria-label": "Words: choose the one that looks" });
  const note = h("p", { className: "ml-note", role: "status" });
  const next = h("p", { className: "ml-read" });
  const reset = resetButton(() => { Object.assign(at, start); CONTROLS.forEach((key) => change(key, first[key])); });
  const root = h("div", { className: "ml-root ml-attention", role: "group", "aria-label": "Attention" },
    h("div", { className: "ml-controls" }, ...Object.values(made).map((c) => c.el), reset),
    row, note, ...Object.values(shown).map((s) => s.el), next);

  let computed = { state: "", result: null };
  const draw = oncePerFrame(() => {
    const state = JSON.stringify(data);
    if (state !== computed.state) computed = { state, result: compute(weights, data) };
    const { tokens, left, head, logits } = computed.result;
    note.textContent = message(tokens, left);
    if (!head) return;
    keepInside(at, head);
    showChips(row, tokens, at.t, (t) => { if (at.t !== t) { at.t = t; draw(); } });
    showSteps(shown, head, tokens.map((token) => visible(token.word)), at, data.temperature);
    const guesses = nextWords(logits, weights.words).map(([word, p]) => `${visible(word)} ${numberText(p)}`);
    next.textContent = `The model's next word: ${guesses.join(", ")}.`;
  });
  function change(key, value) {
    data[key] = value;
    made[key].set(value);
    if (key === "text") made.example.set(examples.includes(value) ? value : "");
    model.set(key, value);
    model.save_changes();
    draw();
  }
  const listeners = CONTROLS.map((key) => [`change:${key}`,
    () => { if (data[key] !== model.get(key)) change(key, model.get(key)); }]);
  listeners.forEach(([name, tell]) => model.on(name, tell));
  CONTROLS.forEach((key) => change(key, data[key]));
  el.append(root);
  return () => { listeners.forEach(([name, tell]) => model.off(name, tell)); root.remove(); };
}

export default { render };
