// Temperature, top-k, top-p and min-p on the logits of a model: what is kept, and how probable it becomes.

const ROWS = 14;
const DRAWS = 12;

/** The most probable tokens before and after warping: [id, p before, p after]; then what all of it amounts to. */
export function warpedRows(logits, { temperature, top_k: topK, top_p: topP, min_p: minP }) {
  const before = probabilities(logits);
  const after = probabilities(logits, { temperature, topK: topK || undefined, topP: topP < 1 ? topP : undefined,
    minP: minP || undefined });
  const kept = after.filter((p) => p > 0).length;
  const held = before.reduce((sum, p, i) => (after[i] > 0 ? sum + p : sum), 0);
  const entropy = -after.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
  return { rows: largest(before, ROWS).map((id) => [id, before[id], after[id]]), after, kept, held, entropy };
}

/** The ids that a seed draws from probabilities. */
export function drawMany(p, seed, n = DRAWS) {
  const next = random(seed);
  return Array.from({ length: n }, () => draw(p, next()));
}

const share = (p) => (p === 0 ? "0" : p >= 0.9995 ? "1.00" : p < 0.001 ? "< 0.001" : p.toFixed(3));

function render({ model, el }) {
  const list = h("ol", { className: "ml-warped" });
  const read = h("p", { className: "ml-read" });
  const drawn = h("p", { className: "ml-drawn" });
  const note = h("p", { className: "ml-note", role: "status" });
  const words = { of: (id) => model.get("words")[id] ?? `#${id}` };
  let [logits, turn, lm] = [model.get("logits"), 0, null];
  const first = model.get("prompt");

  const draw = (data) => {
    const { rows, after, kept, held, entropy } = warpedRows(Float32Array.from(logits), data);
    const top = Math.max(...rows.flatMap(([, p, q]) => [p, q]));              // the longest bar
    list.replaceChildren(...rows.map(([id, p, q]) => h("li", { "data-kept": q > 0, style: `--p:${p / top};--q:${q / top}` },
      h("span", { className: "ml-word" }, visible(words.of(id))), h("span", { className: "ml-pair" }),
      h("span", { className: "ml-percent" }, `${share(p)} → ${q > 0 ? share(q) : "cut"}`))));
    read.textContent = `${kept.toLocaleString("en")} of ${logits.length.toLocaleString("en")} tokens are kept; they held `
      + `${numberText(100 * held, 1)}% of the probability. Entropy now: ${numberText(entropy)} nats.`;
    drawn.replaceChildren(`${DRAWS} draws: `, ...drawMany(after, data.seed).map((id) =>
      h("span", { className: "ml-chip" }, visible(words.of(id)))));
  };
  /** The model's logits after another prompt; the first one travels with the page. */
  async function ask(text) {
    const mine = turn += 1;
    try {
      if (text !== first && !lm) note.textContent = "Fetching the model, 1.4 MB …";
      if (text !== first) lm ??= await loadModel(model);
      if (mine !== turn) return;
      if (text === first) logits = model.get("logits");
      else {
        const ids = lm.tokenizer.encode(text.replace(/\p{Surrogate}/gu, "")).slice(-200);
        if (!ids.length) { note.textContent = "Type a word or two: there is nothing to continue yet."; return; }
        logits = [...lm.model.read(ids, lm.model.newCache())];
        words.of = (id) => lm.tokenizer.decode([id]);
      }
      note.textContent = `What could come after “${text.split(" ").slice(-4).join(" ")}”, by probability.`;
      shown.redraw();
    } catch (error) { note.textContent = `That did not work: ${error.message}`; }
  }
  const off = (word, bound) => (v) => (v === bound ? `${word}` : String(v));
  const shown = panel({ model, name: "sampling", label: "Sampling", draw, parts: [note, list, read, drawn], controls: {
    prompt: (tell) => textBox("prompt", (v) => { tell(v); ask(v); }),
    temperature: (tell) => slider("temperature", { min: 0, max: 2, step: 0.05, format: (v) => numberText(v) }, tell),
    top_k: (tell) => slider("top-k", { min: 0, max: 50, format: off("all", 0) }, tell),
    top_p: (tell) => slider("top-p", { min: 0.05, max: 1, step: 0.05, format: (v) => (v === 1 ? "all" : numberText(v)) }, tell),
    min_p: (tell) => slider("min-p", { min: 0, max: 0.5, step: 0.01, format: (v) => (v === 0 ? "none" : numberText(v)) }, tell),
    seed: (tell) => slider("seed", { min: 0, max: 20 }, tell) } });
  ask(first);
  shown.el.querySelector("button").addEventListener("click", () => ask(first));
  el.append(shown.el);
  return () => { turn += 1; shown.end(); };
}

export default { render };
