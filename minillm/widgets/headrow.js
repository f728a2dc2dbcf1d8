// All heads of one layer side by side, on the storyteller's own attention: a square for each head, and one token's rows.

const MOST_TOKENS = 24;
const GO = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** The weights of all heads (layers × heads × tokens × tokens so far) while the model reads ids. */
export function headWeights(lm, ids) {
  const layers = lm.layers.map(() => Array.from({ length: lm.config.n_heads }, () => []));
  const cache = lm.newCache(ids.length);
  ids.forEach((id) => lm.read([id], cache, (name, values, shape) => {
    const found = /^layers\.(\d+)\.attention\.weights$/.exec(name);
    if (found) layers[found[1]].forEach((rows, head) => rows.push([...values.slice(head * shape[1], (head + 1) * shape[1])]));
  }));
  return layers;
}

/** How many tokens back a head attends, weighted, the mean over all tokens; as mean_distance in minillm.widgets.headrow. */
export function meanDistance(rows) {
  return rows.reduce((sum, row, t) => sum + row.reduce((far, w, s) => far + w * (t - s), 0), 0) / rows.length;
}

function render({ model, el }) {
  const first = { words: model.get("words"), looks: model.get("looks") };
  const start = model.get("text");
  const [layers, heads] = [first.looks.length, first.looks[0].length];
  let [shown_, turn, lm, key] = [first, 0, null, 0];
  const note = h("p", { className: "ml-note", role: "status" });
  const read = h("p", { className: "ml-read", role: "status" });
  const squares = Array.from({ length: heads }, (_, i) => {
    const canvas = h("canvas", { tabIndex: 0, role: "img", "data-lm-suppress-shortcuts": "true" });
    const mark = h("i", { className: "ml-rowmark" });
    const said = h("span");
    const go = (t, s) => { const n = shown_.words.length; key = within(s, n); frame_.change("token", within(t, n) + 1); frame_.redraw(); };
    const point = (e) => {
      const [box, n] = [canvas.getBoundingClientRect(), shown_.words.length];
      go(Math.floor((e.clientY - box.top) / box.height * n), Math.floor((e.clientX - box.left) / box.width * n));
    };
    fill(canvas, { onpointermove: point, onpointerdown: point, onkeydown: (e) => {
      if (!GO[e.key]) return;
      e.preventDefault();
      go(frame_.data.token - 1 + GO[e.key][0], key + GO[e.key][1]);
    } }, []);
    return { canvas, mark, said, el: h("div", {}, h("p", { className: "ml-caption" }, h("b", {}, `head ${i + 1}`), " ", said), h("div", { className: "ml-square" }, canvas, mark)) };
  });
  const grid = matrix("weights", "H×S", (_, column) => { key = column; frame_.redraw(); });
  async function ask(text) {
    const mine = turn += 1;
    try {
      if (text === start) shown_ = first;
      else {
        if (!lm) note.textContent = "Fetching the model, 1.4 MB …";
        lm ??= await loadModel(model);
        if (mine !== turn) return;
        const ids = lm.tokenizer.encode(text.replace(/\p{Surrogate}/gu, "")).slice(0, MOST_TOKENS);
        if (ids.length < 2) { note.textContent = "Type a few words: there is nothing to attend to yet."; return; }
        shown_ = { words: ids.map((id) => visible(lm.tokenizer.decode([id]))), looks: headWeights(lm.model, ids) };
      }
      note.textContent = `${shown_.words.length} tokens${shown_.words.length === MOST_TOKENS ? ", the most that are shown" : ""}. A row for each token, a column for each that it may attend to.`;
      frame_.change("token", Math.min(frame_.data.token, shown_.words.length));
      frame_.redraw();
    } catch (error) { note.textContent = `That did not work: ${error.message}`; }
  }
  const frame_ = panel({ model, name: "headrow", label: "All heads of a layer", draw, parts: [
    note, h("div", { className: "ml-planes" }, ...squares.map((s) => s.el)), read, h("div", { className: "ml-scroll" }, grid.el)], controls: {
    text: (tell) => textBox("text", (v) => { tell(v); ask(v); }),
    layer: (tell) => slider("layer", { min: 1, max: layers }, tell),
    token: (tell) => slider("token that asks", { min: 1, max: MOST_TOKENS }, (v) => tell(Math.min(v, shown_.words.length))) } });

  function draw({ layer, token }) {
    const { words, looks } = shown_;
    const [T, t] = [words.length, Math.min(token, words.length) - 1];
    key = Math.min(key, t);
    squares.forEach(({ canvas, mark, said }, i) => {
      const values = new Float32Array(T * T).fill(NaN);
      looks[layer - 1][i].forEach((row, r) => row.forEach((w, s) => { values[r * T + s] = w; }));
      paint(canvas, values, T, T, { top: 1, signed: false });
      const row = looks[layer - 1][i][t];
      const most = row.indexOf(Math.max(...row));
      said.textContent = `T×S = ${T}×${T}`;
      canvas.setAttribute("aria-label", `head ${i + 1}: “${words[t]}” attends most to “${words[most]}”, with ${numberText(row[most])}; on average it looks ${numberText(meanDistance(looks[layer - 1][i]), 1)} tokens back`);
      mark.style = `top:${100 * t / T}%;height:${100 / T}%;width:${100 * (t + 1) / T}%`;
    });
    const rows = looks[layer - 1].map((head) => head[t]);
    grid.set({ rows: rows.map((_, i) => `head ${i + 1}`), columns: words.slice(0, t + 1), at: [0, key], signed: false, top: 1, values: rows });
    const tops = rows.map((row) => row.indexOf(Math.max(...row)));
    read.replaceChildren(`“${words[t]}” in layer ${layer}: `, ...rows.flatMap((row, i) => [i ? "; " : "", `head ${i + 1} gives “${words[tops[i]]}” `, h("b", { "data-number": `top${i + 1}` }, numberText(row[tops[i]]))]),
      `. On average the heads look ${looks[layer - 1].map((head) => numberText(meanDistance(head), 1)).join(", ")} tokens back.`);
  }
  ask(frame_.data.text);
  frame_.el.querySelector(".ml-controls > button").addEventListener("click", () => ask(start));
  el.append(frame_.el);
  return () => { turn += 1; frame_.end(); };
}

export default { render };
