// The explorer: a prompt goes through the whole model, and every array on its way can be looked at and switched off.

const LONGEST = 250;                                      // tokens of a tale
const CANDIDATES = 8;
const COLUMNS = 24;                                       // of the table of weights

const percent = (p) => (p >= 0.995 ? "> 99%" : p < 0.01 ? "< 1%" : `${Math.round(100 * p)}%`);
const kilobytes = (n) => `${numberText(n / 1024, 0)} KB`;

/** What is switched off in layer i: `layers.0.head.2` is a head, `layers.2.expert.1` an expert. */
function switchesOf(off, layer, kind) {
  const start = `layers.${layer}.${kind}.`;
  return [...off].filter((name) => name.startsWith(start)).map((name) => Number(name.slice(start.length)));
}

/** Leave out what is switched off: a head's output is set to zero, and so is an expert's weight. */
function leaveOut(off, name, values, shape) {
  const [, layer, array] = /^layers\.(\d+)\.(attention\.heads|ffn\.weights)$/.exec(name) ?? [];
  if (array === "attention.heads") {
    for (const i of switchesOf(off, layer, "head")) values.fill(0, i * shape[1], (i + 1) * shape[1]);
  } else if (array) for (const i of switchesOf(off, layer, "expert")) values[i] = 0;
}

/** Reads tokens and keeps every array of every one; what has been read already is not read again. */
export function createRun(lm) {
  const [cache, ids, traces] = [lm.newCache(), [], []];
  let off = new Set();
  const keep = (n) => { ids.length = traces.length = cache.length = Math.min(n, ids.length); };
  return { traces,
    without(names) {                                       // a set of switches; whatever was read with others is gone
      if ([...names].sort().join() !== [...off].sort().join()) keep(0);
      off = new Set(names);
    },
    at(i, id) {                                            // the trace of token i, which is `id`
      if (ids[i] === id) return traces[i];
      keep(i);
      const trace = {};
      lm.read([id], cache, (name, values, shape) => {
        leaveOut(off, name, values, shape);
        trace[name] = { shape, data: Float32Array.from(values) };
      });
      ids.push(id);
      traces.push(trace);
      return trace;
    } };
}

/** Goes through a tale, yielding its ids up to each token that has been read: those of the prompt, then `count` that
 *  are drawn, each by its own random number, or put there by the reader (`pinned`: place -> id). */
export function* tellTale(run, { prompt, count, pinned, temperature, numbers, stop, most = LONGEST }) {
  const ids = [...prompt];
  for (let i = 0; ; i += 1) {
    const trace = run.at(i, ids[i]);
    yield ids.slice(0, i + 1);
    if (i + 1 < ids.length) continue;
    const n = ids.length - prompt.length;
    if (n >= count || ids.length >= most || (n > 0 && stop.includes(ids[i]))) return;
    ids.push(pinned.get(n) ?? draw(probabilities(trace.logits.data, { temperature }), numbers[n]));
  }
}

/** What the head would say of the stream x: probabilities of the next token (the logit lens). */
export function lens(lm, x) {
  lm.logits(Float32Array.from(x), null);
  return toProbabilities(Float32Array.from(lm.buffers.get("logits")));
}

/** The k most probable ids with their probabilities, best first, without sorting all. */
function bestOf(p, k) {
  const found = [];
  while (found.length < Math.min(k, p.length)) {
    let best = -1;
    for (let i = 0; i < p.length; i += 1) if ((best < 0 || p[i] > p[best]) && !found.includes(i)) best = i;
    found.push(best);
  }
  return found.map((id) => [id, p[id]]);
}

/** Words with bars as long as their probabilities. */
function bars() {
  const el = h("ol", { className: "ml-bars" });
  return { el, set(rows) {
    el.replaceChildren(...rows.map(([word, p]) => h("li", { style: `--p:${p}` },
      h("span", { className: "ml-word" }, word), h("span", { className: "ml-percent" }, percent(p)))));
  } };
}

/** One stage: closed it says its gist, open it also draws. `make` gives the parts, each with `el`, and their `set`. */
function stage(key, told, name, site, make, open = false) {
  const [shape, gist] = [h("code", {}), h("span", { className: "ml-gist" })];
  const links = site ? told.links.flatMap(([chapter, api, label]) => [" · ",
    h("a", { href: `${chapter}.html` }, `chapter ${chapter.slice(0, 2)}`), " · ",
    h("a", { href: api }, h("code", {}, label))]) : [];
  const about = h("p", { className: "ml-note" }, told.about, ...links);
  const made = make();
  const body = h("div", { className: "ml-body" }, about, ...made.parts);
  const el = h("details", { "data-stage": name ? `${name}.${key}` : key, open },
    h("summary", {}, h("b", {}, told.title), shape, gist), body);
  let context = null;
  const draw = () => { if (context && el.open) made.set(context); };
  el.addEventListener("toggle", draw);
  return { el, set(c) {
    context = c;
    const [dims, text] = made.gist(c);
    shape.textContent = dims;
    gist.textContent = text;
    draw();
  } };
}

const array = (c, name) => c.trace[name];
const times = (shape) => shape.join("×");

/** A vector of the model in rows of 32, with a word for each of its numbers. */
function vectorStrip(label) {
  const s = strip(label, (row, column, x) => `${label}[${row * 32 + column}] = ${numberText(x, 3)}`);
  return { el: s.el, set: (data) => s.set({ values: data, rows: Math.ceil(data.length / 32), columns: 32,
    dims: `${data.length} numbers,` }) };
}

function vectorStage(name, gist) {
  return () => {
    const s = vectorStrip(name.split(".").at(-1));
    return { parts: [s.el], gist: (c) => [`${name} ${times(array(c, name).shape)}`, gist(c, array(c, name).data)],
      set: (c) => s.set(array(c, name).data) };
  };
}

function tokensStage() {
  const list = h("div", { className: "ml-scroll" });
  return { parts: [list], gist: (c) => [`ids T = ${c.ids.length}`, `“${c.words[c.at]}” is token ${c.ids[c.at]}`],
    set(c) {
      list.replaceChildren(h("ol", { className: "ml-idlist" }, ...c.ids.map((id, i) =>
        h("li", { "data-on": i === c.at }, h("span", { className: "ml-word" }, c.words[i]), h("small", {}, String(id))))));
    } };
}

function queriesStage(layer) {
  const at = `layers.${layer}.attention`;
  return () => {
    const strips = ["q", "k", "v"].map((letter) => [letter, strip(letter,
      (row, column, x) => `${letter}, head ${row + 1}, dimension ${column}: ${numberText(x, 3)}`)]);
    const shapes = (c) => strips.map(([letter]) => `${letter} ${times(array(c, `${at}.${letter}`).shape)}`);
    return { parts: strips.map(([, s]) => s.el), gist: (c) => [shapes(c).join(" "), ""],
      set: (c) => strips.forEach(([letter, s]) => {
        const { shape: [rows, columns], data } = array(c, `${at}.${letter}`);
        s.set({ values: data, rows, columns, dims: letter === "q" ? "H×Dh" : "K×Dh" });
      }) };
  };
}

/** A box to tick for a part of the model that can be left out. */
function partSwitch(label, name, tell) {
  const box = toggle(label, (on) => tell(name, on));
  return { el: box.el, set: (c) => box.set(!c.off.has(name)) };
}

function attentionStage(layer, { heads, tell, choose }) {
  const at = `layers.${layer}.attention`;
  return () => {
    const maps = Array.from({ length: heads }, (_, i) => {
      const canvas = h("canvas", { className: "ml-map", role: "img", onclick: (e) => {
        const box = canvas.getBoundingClientRect();
        choose(Math.floor((e.clientY - box.top) / box.height * canvas.dataset.rows));
      } });
      const row = h("span", { className: "ml-row" });
      return { canvas, row, box: partSwitch(`head ${i + 1}`, `layers.${layer}.head.${i}`, tell) };
    });
    const sum = h("p", { className: "ml-sum" });
    let cell = [0, 0];
    let [last, painted] = [null, ""];
    const grid = matrix("weights", "H×S", (head, column) => { cell = [head, column]; if (last) show(last); });
    const told = h("p", { className: "ml-note" });
    const rows = Array.from({ length: heads }, (_, i) => `head ${i + 1}`);
    function show(c) {
      last = c;
      const [H, S] = array(c, `${at}.weights`).shape;
      const { data } = array(c, `${at}.weights`);
      const scores = array(c, `${at}.scores`).data;
      const all = Array.from({ length: S }, (_, s) => rows.reduce((total, __, i) => total + data[i * S + s], 0));
      const columns = S <= COLUMNS ? [...all.keys()] : bestOf(all, COLUMNS).map(([s]) => s).sort((a, b) => a - b);
      cell = [clamp(cell[0], H), clamp(cell[1], columns.length)];
      const masked = (i) => scores[i] === -Infinity;
      grid.set({ rows, columns: columns.map((s) => c.words[s]), at: cell, signed: false, top: 1,
        values: rows.map((_, i) => columns.map((s) => (masked(i * S + s) ? NaN : data[i * S + s]))) });
      told.textContent = S > COLUMNS ? `The ${COLUMNS} of ${S} tokens that get the most.` : "";
      const s = columns[cell[1]];
      const i = cell[0] * S + s;
      sum.textContent = `head ${cell[0] + 1}, “${c.words[c.at]}” → “${c.words[s]}”: ` + (masked(i)
        ? "outside of the window of this layer" : `e^${numberText(scores[i])} / sum of the row = ${numberText(data[i], 3)}`);
    }
    function showMaps(c) {
      const T = c.ids.length;
      const state = [c.ids, [...c.off]].join(";");
      maps.forEach(({ canvas, row, box }, i) => {
        row.style = `top:${100 * c.at / T}%;height:${100 / T}%;width:${100 * (c.at + 1) / T}%`;
        box.set(c);
        if (state === painted) return;
        const values = new Float32Array(T * T).fill(NaN);
        c.traces.slice(0, T).forEach((trace, t) => {
          const { data } = trace[`${at}.weights`];
          for (let s = 0; s <= t; s += 1) values[t * T + s] = data[i * (t + 1) + s];
        });
        paint(canvas, values, T, T, { top: 1, signed: false });
        canvas.dataset.rows = T;
        canvas.setAttribute("aria-label", `weights of head ${i + 1}: ${T}×${T}, a row for each token`);
      });
      painted = state;
    }
    const gist = (c) => {
      const { shape: [H, S], data } = array(c, `${at}.weights`);
      const top = data.indexOf(Math.max(...data));
      return [`weights ${H}×${S}`, `head ${Math.floor(top / S) + 1} gives “${c.words[top % S]}” ${percent(data[top])}`];
    };
    return { parts: [h("div", { className: "ml-maps" }, ...maps.map(({ canvas, row, box }) =>
      h("div", {}, h("div", { className: "ml-mapbox" }, canvas, row), box.el))),
      h("div", { className: "ml-scroll" }, grid.el), told, sum], gist, set(c) { show(c); showMaps(c); } };
  };
}

function outputStage(layer) {
  const at = `layers.${layer}.attention`;
  return () => {
    const [heads, out] = [strip("heads", (i, d, x) => `head ${i + 1}, dimension ${d}: ${numberText(x, 3)}`),
      vectorStrip("attention")];
    return { parts: [heads.el, out.el],
      gist: (c) => [`attention ${times(array(c, at).shape)}`, `adds ${numberText(rms(array(c, at).data))} to the stream`],
      set(c) {
        const { shape: [rows, columns], data } = array(c, `${at}.heads`);
        heads.set({ values: data, rows, columns, dims: "H×Dh" });
        out.set(array(c, at).data);
      } };
  };
}

function feedForwardStage(layer) {
  const at = `layers.${layer}.ffn`;
  return () => {
    const [hidden, out] = [vectorStrip("hidden"), vectorStrip("ffn")];
    return { parts: [hidden.el, out.el], gist: (c) => [`hidden ${array(c, `${at}.hidden`).shape}`,
      `adds ${numberText(rms(array(c, at).data))} to the stream`],
    set(c) { hidden.set(array(c, `${at}.hidden`).data); out.set(array(c, at).data); } };
  };
}

function expertsStage(layer, { experts, tell }) {
  const at = `layers.${layer}.ffn`;
  return () => {
    const rows = Array.from({ length: experts }, (_, e) => {
      const [bar, text] = [h("span", { className: "ml-bar" }), h("span", { className: "ml-percent" })];
      return { bar, text, box: partSwitch(`expert ${e + 1}`, `layers.${layer}.expert.${e}`, tell) };
    });
    const out = vectorStrip("ffn");
    const called = (c) => [...array(c, `${at}.weights`).data].flatMap((w, e) => (w ? [[e, w]] : []));
    return { parts: [h("div", { className: "ml-experts" }, ...rows.map((r) => h("div", {}, r.box.el, r.bar, r.text))), out.el],
      gist: (c) => [`weights ${array(c, `${at}.weights`).shape}`, called(c).length
        ? `calls ${called(c).map(([e, w]) => `expert ${e + 1} (${percent(w)})`).join(" and ")}` : "no expert answers"],
      set(c) {
        const p = toProbabilities(Float32Array.from(array(c, `${at}.router.W_r`).data));
        rows.forEach(({ bar, text, box }, e) => {
          const w = array(c, `${at}.weights`).data[e];
          bar.style = `--p:${p[e]}`;
          bar.dataset.on = w > 0;
          text.textContent = `router ${percent(p[e])}, weight ${numberText(w)}`;
          box.set(c);
        });
        out.set(array(c, at).data);
      } };
  };
}

function streamStage(name) {
  return () => {
    const [stream, list] = [vectorStrip("stream"), bars()];
    const said = h("p", { className: "ml-caption" }, "what the head would say here");
    return { parts: [stream.el, said, list.el],
      gist: (c) => [`${name} ${array(c, name).shape}`, `RMS ${numberText(rms(array(c, name).data))}`],
      set(c) {
        stream.set(array(c, name).data);
        list.set(bestOf(c.lens(name), 5).map(([id, p]) => [c.word(id), p]));
      } };
  };
}

function probabilitiesStage() {
  const list = bars();
  const logits = (c) => array(c, "logits").data;
  const softmaxed = (c) => toProbabilities(Float32Array.from(logits(c)));
  return { parts: [list.el], gist(c) {
    const [[id, p]] = bestOf(softmaxed(c), 1);
    return [`logits ${logits(c).length}`, `“${c.word(id)}” ${percent(p)}`];
  }, set: (c) => list.set(bestOf(softmaxed(c), CANDIDATES).map(([id, p]) => [
    `${c.word(id)}  ${numberText(logits(c)[id])}`, p])) };
}

/** The line from 0 to 1, cut by the probabilities in the order of the ids, and where the random number falls. */
function samplerStage(tell) {
  const [line, needle, sum] = [h("div", { className: "ml-line" }), h("span", { className: "ml-needle" }),
    h("p", { className: "ml-sum" })];
  const list = h("ol", { className: "ml-candidates" });
  const warped = (c) => probabilities(array(c, "logits").data, { temperature: c.temperature });
  const told = (c) => {                                   // [what comes next, in short, in a sentence]
    if (c.at + 1 < c.promptLength) return [c.next, "given:", "This token was given, so nothing is drawn here."];
    if (c.pinned) return [c.next, "put by hand:", "This token was put here by hand, so nothing is drawn."];
    const id = draw(warped(c), c.number);
    return [id, c.next === undefined ? "next:" : "drawn:",
      `The random number ${numberText(c.number, 3)} falls on the part of “${c.word(id)}”.`];
  };
  return { parts: [h("div", { className: "ml-linebox", "aria-hidden": "true" }, line, needle), sum, list],
    gist: (c) => ["", c.ended ? "the text ends here" : `${told(c)[1]} “${c.word(told(c)[0])}”`],
    set(c) {
      const p = warped(c);
      const [next, , sentence] = told(c);
      const kept = bestOf(p, 12).filter(([, share]) => share > 0.004).map(([id]) => id).sort((a, b) => a - b);
      let [before, from] = [0, 0];
      line.replaceChildren(...kept.map((id) => {
        while (from < id) { before += p[from]; from += 1; }
        return h("span", { "data-on": id === next, style: `left:${100 * before}%;width:${100 * p[id]}%` },
          p[id] > 0.07 ? c.word(id) : "");
      }));
      needle.style = sentence.startsWith("The random") ? `left:${100 * c.number}%` : "display:none";
      sum.textContent = sentence;
      const rows = bestOf(p, CANDIDATES);
      if (!rows.some(([id]) => id === next)) rows[rows.length - 1] = [next, p[next]];
      list.replaceChildren(...rows.map(([id, share]) => h("li", {}, h("button", { type: "button", style: `--p:${share}`,
        "data-id": id, "aria-pressed": String(id === c.next), onclick: () => tell(id),
        "aria-label": `${c.word(id)}, ${percent(share)}${id === c.next ? ", written" : ", write this next"}` },
      h("span", { className: "ml-word" }, c.word(id)), h("span", { className: "ml-percent" }, percent(share))))));
    } };
}

function cacheStage(lm) {
  return () => {
    const { n_layers: layers, max_seq_len: room } = lm.config;
    const size = 2 * layers * lm.nKv * lm.dHead * 4;
    const picture = strip("cache", (i, t, x) => (Number.isNaN(x) ? `layer ${i + 1}, token ${t + 1}: not read, or out of the window`
      : `layer ${i + 1}, token ${t + 1}: values with an RMS of ${numberText(x)}`));
    const text = h("p", { className: "ml-sum" });
    return { parts: [picture.el, text],
      gist: (c) => [`cache L×T = ${layers}×${c.at + 1}`, `${kilobytes((c.at + 1) * size)} of ${kilobytes(room * size)}`],
      set(c) {
        const T = c.ids.length;
        const out = (i, t) => t > c.at || c.at - t >= lm.layers[i].window;
        const value = (i, t) => (out(i, t) ? NaN : rms(c.traces[t][`layers.${i}.attention.v`].data));
        picture.set({ rows: layers, columns: T, dims: "L×T", signed: false,
          values: Array.from({ length: layers * T }, (_, j) => value(Math.floor(j / T), j % T)) });
        text.textContent = `${c.at + 1} tokens × ${layers} layers × (keys and values) × ${lm.nKv} heads × ${lm.dHead} numbers `
          + `× 4 bytes = ${kilobytes((c.at + 1) * size)}.`;
      } };
  };
}

/** All stages of one layer, one inside of the other's fold. */
function layerFold(lm, i, stages, site, hands) {
  const name = `layers.${i}`;
  const expert = Boolean(lm.layers[i].ffn.router);
  const size = (c, x) => `RMS ${numberText(rms(x))}`;
  const parts = [
    stage("norm_attention", stages.norm, name, site, vectorStage(`${name}.norm_attention`, size)),
    stage("qkv", stages.qkv, name, site, queriesStage(i)),
    stage("weights", stages.weights, name, site, attentionStage(i, hands), i === lm.layers.length - 1),
    stage("output", stages.output, name, site, outputStage(i)),
    stage("norm_ffn", stages.norm, name, site, vectorStage(`${name}.norm_ffn`, size)),
    stage("ffn", expert ? stages.experts : stages.ffn, name, site, expert ? expertsStage(i, hands) : feedForwardStage(i)),
    stage("stream", stages.stream, name, site, streamStage(name))];
  const gist = h("span", { className: "ml-gist" });
  const el = h("details", { className: "ml-layer", "data-stage": name, open: i === lm.layers.length - 1 },
    h("summary", {}, h("b", {}, `Layer ${i + 1}`), h("code", {}, name), gist), ...parts.map((p) => p.el));
  return { el, set(c) {
    const [[id, p]] = bestOf(c.lens(name), 1);
    gist.textContent = `the head would now say “${c.word(id)}” ${percent(p)}`;
    parts.forEach((part) => part.set(c));
  } };
}

function allStages(lm, stages, site, hands) {
  const one = (key, make, open) => stage(key, stages[key], "", site, make, open);
  return [one("tokens", tokensStage), one("embed", vectorStage("embed", (c, x) => `RMS ${numberText(rms(x))}`)),
    ...lm.layers.map((_, i) => layerFold(lm, i, stages, site, hands)),
    stage("norm", stages.last, "", site, vectorStage("norm", (c, x) => `RMS ${numberText(rms(x))}`)),
    one("probabilities", probabilitiesStage), one("sampler", () => samplerStage(hands.put), true),
    one("cache", cacheStage(lm))];
}

/** The tale as chips; `choose(i)` hears which token is looked at. */
function tokenChips(choose) {
  const el = h("div", { className: "ml-tale", role: "group", "aria-label": "The text: choose the token to look at" });
  el.addEventListener("click", (e) => {
    const i = [...el.children].indexOf(e.target.closest("button"));
    if (i >= 0) choose(i);
  });
  el.addEventListener("keydown", (e) => {
    const i = [...el.children].indexOf(e.target);
    const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: el.children.length - 1 }[e.key];
    if (i < 0 || to === undefined) return;
    e.preventDefault();
    choose(clip(to, 0, el.children.length - 1));
    el.children[clip(to, 0, el.children.length - 1)].focus();
  });
  let shown = -1;
  return { el, set(words, { at, promptLength, changed }) {
    while (el.children.length > words.length) el.lastChild.remove();
    words.forEach((word, i) => {
      const chip = el.children[i] ?? el.appendChild(h("button", { type: "button", className: "ml-token",
        "data-lm-suppress-shortcuts": "true" }));
      const state = [word, i < promptLength, i >= changed, i === at].join();
      if (chip.drawn === state) return;
      chip.drawn = state;
      const text = word.includes("\n") ? visible(word) : word;
      chip.textContent = text;
      chip.dataset.given = i < promptLength;
      chip.dataset.changed = i >= changed;
      chip.tabIndex = i === at ? 0 : -1;
      chip.setAttribute("aria-pressed", String(i === at));
      chip.setAttribute("aria-label", `${visible(word)}, token ${i + 1}${i >= changed ? ", changed" : ""}`);
    });
    if (shown === at) return;
    shown = at;                                            // the chosen token stays in sight, the page where it is
    const [top, height] = [el.children[at].offsetTop - el.offsetTop, el.children[at].offsetHeight];
    if (top < el.scrollTop || top + height > el.scrollTop + el.clientHeight) el.scrollTop = top - el.clientHeight / 2;
  } };
}

/** What another page asks for in the address: a prompt, ids that were written, a place, a seed, a temperature. */
export function askedFor(search) {
  const asked = new URLSearchParams(search);
  const number = (key) => (asked.has(key) && Number.isFinite(Number(asked.get(key))) ? Number(asked.get(key)) : undefined);
  const ids = (asked.get("ids") ?? "").split(",").filter((id) => /^\d+$/.test(id)).map(Number);
  return { prompt: asked.get("prompt") ?? undefined, ids: asked.has("ids") ? ids : undefined, at: number("at"),
    seed: number("seed"), temperature: number("temperature") };
}

/** The first index at which two lists differ; the length of the first if they do not. */
export function firstDifference(a, b) {
  const i = a.findIndex((x, j) => x !== b[j]);
  return i < 0 ? a.length : i;
}

async function render({ model, el }) {
  const { model: lm, tokenizer, stop } = await loadModel(model);
  const site = onSite(el);
  const asked = site ? askedFor(location.search) : {};
  const first = { text: asked.prompt ?? model.get("prompt"), count: asked.ids?.length ?? model.get("count"),
    at: asked.at ?? model.get("at"), off: model.get("off"), given: asked.ids ?? [],
    temperature: clip(asked.temperature ?? model.get("temperature"), 0, 1.5) };
  const begin = () => ({ ...first, pinned: new Map(), off: new Set(first.off), writing: false, follow: false });
  const next = random(asked.seed ?? model.get("seed"));
  const numbers = Array.from({ length: LONGEST }, next);
  const [own, whole] = [createRun(lm), createRun(lm)];      // with the switches, and as it was trained
  const state = { ...begin(), prompt: [], ids: [], plain: [], turn: 0 };
  const names = new Map();
  const plainWord = (id) => {
    if (!names.has(id)) names.set(id, tokenizer.decode([id]));
    return names.get(id);
  };
  const word = (id) => visible(plainWord(id));

  const note = h("p", { className: "ml-note", role: "status" });
  const input = h("input", { type: "text", maxLength: 160, autocomplete: "off", spellcheck: false, "aria-label": "Prompt",
    "data-lm-suppress-shortcuts": "true", oninput: () => { retext(input.value); } });
  const more = h("button", { type: "button", onclick: () => grow(1) }, "Next token");
  const write = h("button", { type: "button", className: "ml-write", onclick: () => (state.writing ? halt() : grow(LONGEST)) },
    "Write on");
  const warmth = slider("temperature", { min: 0, max: 1.5, step: 0.1, format: (t) => numberText(t, 1) },
    (t) => { state.temperature = t; share(); work(); });
  const choose = (i) => { Object.assign(state, { at: clip(i, 0, state.ids.length - 1), follow: false }); redraw(); };
  const chips = tokenChips(choose);
  const plain = h("p", { className: "ml-plain" });
  const stages = allStages(lm, model.get("stages"), site, { heads: lm.config.n_heads, experts: lm.config.num_experts,
    choose, tell: (name, on) => { state.off[on ? "delete" : "add"](name); share(); work(); }, put });

  /** Tell Python, where one listens, what the hand has set. */
  function share() {
    model.set("temperature", state.temperature);
    model.set("off", [...state.off].sort());
    model.set("prompt", state.text);
    model.save_changes();
  }

  function contextAt(i) {
    const lenses = new Map();
    const trace = own.traces[i];
    const place = i + 1 - state.prompt.length;
    const ended = i + 1 >= LONGEST || (place > 0 && stop.includes(state.ids[i]));
    return { ids: state.ids, at: i, trace, traces: own.traces, words: state.ids.map(word), word, off: state.off,
      promptLength: state.prompt.length, temperature: state.temperature, next: state.ids[i + 1],
      number: numbers[place], pinned: state.pinned.has(place), ended,
      lens(name) {
        if (!lenses.has(name)) lenses.set(name, lens(lm, trace[name].data));
        return lenses.get(name);
      } };
  }

  const redraw = oncePerFrame(() => {
    const known = Math.min(state.ids.length, own.traces.length);
    if (!known) return;
    state.at = clip(state.at, 0, known - 1);
    const changed = state.off.size && state.plain.length ? firstDifference(state.ids, state.plain) : Infinity;
    const context = contextAt(state.at);
    chips.set(state.ids.map(plainWord), { at: state.at, promptLength: state.prompt.length, changed });
    write.textContent = state.writing ? "Stop" : "Write on";
    plain.hidden = !state.off.size;
    plain.textContent = `as trained: ${tokenizer.decode(state.plain.slice(state.prompt.length)).trim()}`;
    stages.forEach((s) => s.set(context));
    const off = [...state.off].sort().map((name) => name.replace(/layers\.(\d+)\.(\w+)\.(\d+)/,
      (_, l, kind, i) => `${kind} ${Number(i) + 1} of layer ${Number(l) + 1}`));
    note.textContent = off.length ? `Switched off: ${off.join(", ")}.`
      : `You look at “${context.words[state.at]}”, token ${state.at + 1} of ${state.ids.length}.`;
  });

  /** Read and write until the tale is as long as it shall be, giving the page its frames. */
  async function work() {
    const turn = state.turn += 1;
    own.without(state.off);
    const settings = { prompt: state.prompt, count: state.count, pinned: state.pinned, temperature: state.temperature,
      numbers, stop };
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const runs = state.off.size ? [[own, "ids"], [whole, "plain"]] : [[own, "ids"]];
    let since = performance.now();
    for (const [run, key] of runs) {
      let tale = [];
      for (const ids of tellTale(run, settings)) {
        tale = ids;
        const shown = state.writing && key === "ids" && ids.length > state.ids.length;
        if (shown) { Object.assign(state, { ids, at: state.follow ? ids.length - 1 : state.at }); redraw(); }
        if (!(shown && !calm) && performance.now() - since < 10) continue;
        await frame();
        if (turn !== state.turn) return;
        since = performance.now();
      }
      state[key] = tale;
    }
    if (state.follow) state.at = state.ids.length - 1;
    Object.assign(state, { writing: false, follow: false, count: state.ids.length - state.prompt.length });
    redraw();
  }

  function grow(n) {
    state.count = Math.min(state.ids.length - state.prompt.length + n, LONGEST);
    Object.assign(state, { writing: n > 1, follow: true });
    work();
  }
  function halt() {
    state.turn += 1;
    Object.assign(state, { writing: false, count: state.ids.length - state.prompt.length });
    redraw();
  }
  function retext(text) {
    const prompt = tokenizer.encode(text.replace(/\p{Surrogate}/gu, "")).slice(0, 60);
    if (!prompt.length) { note.textContent = "Type a word or two: there is nothing to look at yet."; return; }
    Object.assign(state, { text, prompt, pinned: new Map(), at: prompt.length - 1 });
    share();
    work();
  }
  /** Put a token after the one that is looked at, and go on from there. */
  function put(id) {
    const place = state.at + 1 - state.prompt.length;
    if (place < 0) {
      state.prompt[state.at + 1] = id;
      input.value = state.text = tokenizer.decode(state.prompt);
    } else {
      for (const later of [...state.pinned.keys()]) if (later > place) state.pinned.delete(later);
      state.pinned.set(place, id);
      state.count = Math.max(state.count, place + 1);
    }
    work();
  }
  function reset() {
    state.turn += 1;
    Object.assign(state, begin());
    state.prompt = tokenizer.encode(state.text.replace(/\p{Surrogate}/gu, "")).slice(0, 60);
    state.given.forEach((id, i) => { if (id < lm.config.vocab_size) state.pinned.set(i, id); });
    input.value = state.text;
    warmth.set(state.temperature);
    share();
    return work().then(unpin);
  }
  /** Tokens of another page that would have been drawn here too are free to change. */
  function unpin() {
    for (const [place, id] of state.pinned) {
      const trace = own.traces[state.prompt.length + place - 1];
      const p = trace && probabilities(trace.logits.data, { temperature: state.temperature });
      if (p && draw(p, numbers[place]) === id) state.pinned.delete(place);
    }
    redraw();
  }

  const root = h("div", { className: "ml-root ml-explorer", role: "group", "aria-label": "Explorer" },
    h("div", { className: "ml-controls" }, input, more, write, warmth.el, resetButton(reset)),
    h("div", { className: "ml-desk" }, chips.el, plain, note), h("div", { className: "ml-flow" }, ...stages.map((s) => s.el)));
  el.append(root);
  await reset();
  performance.mark("explorer-ready");
  return () => { state.turn += 1; root.remove(); };
}

export default { render };
