// The storyteller's box: the model goes on with what you type, and each token shows what else could have come.

const CALM = "(prefers-reduced-motion: reduce)";
const percent = (p) => (p >= 0.995 ? "> 99%" : p < 0.01 ? "< 1%" : `${Math.round(100 * p)}%`);

/** One token as the page shows it: { id, text, p, best: [[id, text, p], …] }; the same as story_steps in Python. */
export function describeStep(tokenizer, logits, id, shown) {
  const p = probabilities(logits);
  const best = largest(p, shown).map((i) => [i, tokenizer.decode([i]), p[i]]);
  return { id, text: tokenizer.decode([id]), p: p[id], best };
}

/** A writer that keeps its cache: tokens that it has read already are not read again. */
export function createWriter(lm, seed) {
  const cache = lm.newCache();
  let [read, next] = [[], random(seed)];
  return {
    restart(newSeed, drawn) {                           // each place of a tale has its own random number
      next = random(newSeed);
      for (let i = 0; i < drawn; i += 1) next();
    },
    isFull: (ids) => ids.length >= cache.maxLen,
    after(ids) {                                        // logits after ids
      let same = 0;
      while (same < ids.length - 1 && same < cache.length && ids[same] === read[same]) same += 1;
      cache.length = same;
      read = [...ids];
      return lm.read(ids.slice(same), cache);
    },
    draw: (logits, temperature) => draw(probabilities(logits, { temperature }), next()),
  };
}

/** The tale as chips, each with a bar as long as its probability; `tell(index)` hears which one is meant, and
 *  `enter(index)` that the one which is meant already was clicked. */
function taleBox(tell, enter) {
  const said = h("span", { className: "ml-said" });
  const tokens = h("span", {});
  const el = h("div", { className: "ml-tale", role: "group", "aria-label": "The tale, token by token" }, said, tokens);
  const index = (e) => {
    const at = [...tokens.children].indexOf(e.target.closest("button"));
    if (at >= 0) tell(at);
  };
  let meant = true;                                    // a finger points and clicks at once: its first touch only points
  el.addEventListener("pointerdown", (e) => {
    meant = e.pointerType !== "touch" || e.target.closest("button")?.getAttribute("aria-pressed") === "true";
  });
  el.addEventListener("click", (e) => {
    const at = [...tokens.children].indexOf(e.target.closest("button"));
    if (at >= 0 && meant) enter(at);
    meant = true;
  });
  for (const name of ["pointerover", "click", "focusin"]) el.addEventListener(name, index);
  el.addEventListener("keydown", (e) => {
    const at = [...tokens.children].indexOf(e.target);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tokens.children.length - 1 }[e.key];
    if (at < 0 || to === undefined) return;
    e.preventDefault();
    tokens.children[clip(to, 0, tokens.children.length - 1)].focus();
  });
  const chip = ({ text, p }) => h("button", { className: "ml-token", type: "button", style: `--p:${p}`,
    "data-lm-suppress-shortcuts": "true", "aria-label": `${visible(text)}, ${percent(p)}` },
  text.includes("\n") ? visible(text) : text);
  return { el, set(prompt, steps, chosen) {
    said.textContent = prompt;
    while (tokens.children.length > steps.length) tokens.lastChild.remove();
    steps.forEach((step, i) => {
      const old = tokens.children[i];
      if (old?.step !== step) {
        const made = Object.assign(chip(step), { step });
        if (old) old.replaceWith(made); else tokens.append(made);
      }
      tokens.children[i].tabIndex = i === chosen ? 0 : -1;
      tokens.children[i].setAttribute("aria-pressed", String(i === chosen));
    });
  }, follow() { el.scrollTop = el.scrollHeight; } };
}

/** What could have come at one place, most probable first; `tell(candidate)` hears which one to write instead. */
function choiceList(tell) {
  const title = h("p", { className: "ml-cell" });
  const list = h("ol", { className: "ml-candidates" });
  const link = h("a", { className: "ml-into" }, "Open this step in the explorer");
  return { el: h("div", { className: "ml-choices" }, title, list, link), set(step, before, address) {
    title.textContent = step ? `after “${before}”` : "";
    link.hidden = !(step && address);
    link.href = address;
    const rows = step ? [...step.best] : [];
    if (step && !rows.some(([id]) => id === step.id)) rows[rows.length - 1] = [step.id, step.text, step.p];
    list.replaceChildren(...rows.map(([id, text, p]) => h("li", {}, h("button", { type: "button", style: `--p:${p}`,
      "data-id": id, "aria-pressed": String(id === step.id), onclick: () => tell([id, text, p]),
      "aria-label": `${visible(text)}, ${percent(p)}${id === step.id ? ", written" : ", write this instead"}` },
    h("span", { className: "ml-word" }, visible(text)), h("span", { className: "ml-percent" }, percent(p))))));
  } };
}

/** Where the explorer shows the step that gave token `at` of a tale; the address holds all that it needs. */
export function explorerAddress(page, { prompt, steps, seed, temperature }, at, promptLength) {
  const asked = new URLSearchParams({ prompt, ids: steps.map((s) => s.id).join(","), at: promptLength + at - 1, seed,
    temperature });
  return `${page}?${asked}`;
}

function render({ model, el }) {
  const first = model.get("start");
  const state = { steps: first.steps, chosen: first.chosen, prompt: first.prompt, turn: 0, seed: model.get("seed"),
    temperature: model.get("temperature"), held: false };
  let loading = null;
  let writer = null;

  const address = () => (onSite(el) ? explorerAddress(model.get("explorer"), { ...state, seed: state.used },
    state.chosen, state.promptLength) : "");
  const tale = taleBox((i) => { state.held = true; if (i !== state.chosen) { state.chosen = i; draw(); } },
    (i) => { state.chosen = i; if (onSite(el)) location.href = address(); });
  const choices = choiceList((candidate) => write(state.chosen, candidate));
  const note = h("p", { className: "ml-note", role: "status" });
  const input = h("input", { type: "text", value: first.prompt, maxLength: 300, autocomplete: "off", spellcheck: false,
    "data-lm-suppress-shortcuts": "true", "aria-label": "Begin a tale",
    onkeydown: (e) => { if (e.key === "Enter") write(0); } });
  const button = h("button", { type: "button", className: "ml-write", onclick: () => (state.busy ? stop() : write(0)) });
  const warmth = slider("temperature", { min: 0, max: 1.5, step: 0.1, format: (t) => numberText(t, 1) },
    (t) => { state.temperature = t; model.set("temperature", t); model.save_changes(); });
  const tell = (text) => { note.textContent = text; };

  const draw = oncePerFrame(() => {
    tale.set(state.prompt, state.steps, state.chosen);
    const step = state.steps[state.chosen];
    const before = state.prompt + state.steps.slice(0, state.chosen).map((s) => s.text).join("");
    choices.set(step, before.trim().split(/\s+/).slice(-3).join(" "), address());
    button.textContent = state.busy ? "Stop" : "Write";
    if (state.busy && !state.held) tale.follow();
  });
  function stop() { state.turn += 1; state.busy = false; draw(); }

  /** Keep the tokens before `from`, put the candidate there if one is given, and go on from it. */
  async function write(from, candidate) {
    stop();
    const turn = state.turn;
    Object.assign(state, { busy: true, held: Boolean(candidate) });
    draw();
    try {
      if (!writer) tell("Fetching the model, 1.4 MB …");
      loading ??= loadModel(model, tell);
      const { model: lm, tokenizer, stop: stops } = await loading;
      if (turn !== state.turn) return;
      writer ??= createWriter(lm, state.seed);
      await go(tokenizer, stops, turn, from, candidate);
    } catch (error) {
      loading = writer ? loading : null;
      tell(`That did not work: ${error.message}`);
    }
    if (turn === state.turn) stop();
  }

  async function go(tokenizer, stops, turn, from, candidate) {
    if (!candidate) { state.used = state.seed; state.seed += 1; }
    writer.restart(state.used, candidate ? from + 1 : 0);
    const prompt = candidate ? state.prompt : input.value || first.prompt;
    const steps = state.steps.slice(0, from);
    if (candidate) {
      const [id, text, p] = candidate;
      steps.push({ ...state.steps[from], id, text, p });
    }
    const told = tokenizer.encode(prompt);
    Object.assign(state, { prompt, steps, chosen: Math.max(steps.length - 1, 0), promptLength: told.length });
    const ids = [...told, ...steps.map((s) => s.id)];
    let [spent, count] = [0, 0];
    while (turn === state.turn && !writer.isFull(ids) && !stops.includes(ids.at(-1))) {
      const start = performance.now();
      const logits = writer.after(ids);
      const id = writer.draw(logits, state.temperature);
      spent += performance.now() - start;
      count += 1;
      ids.push(id);
      steps.push(describeStep(tokenizer, logits, id, first.steps[0].best.length));
      if (!state.held) state.chosen = steps.length - 1;
      draw();
      if (!matchMedia(CALM).matches || count % 16 === 0) await frame();
    }
    if (count) tell(`${steps.length} tokens, ${numberText(spent / count, 1)} ms for each, in your browser. `
      + "Point at one to see what else could have come; click it to look inside.");
  }

  function reset() {
    stop();
    Object.assign(state, { steps: first.steps, chosen: first.chosen, prompt: first.prompt, seed: model.get("seed"),
      temperature: first.temperature, held: false, used: model.get("seed"), promptLength: first.prompt_length });
    input.value = first.prompt;
    warmth.set(first.temperature);
    tell(first.note);
    draw();
  }
  const root = h("div", { className: "ml-root ml-storyteller", role: "group", "aria-label": "Storyteller" },
    h("div", { className: "ml-controls" }, input, button, warmth.el, resetButton(reset)),
    h("div", { className: "ml-pictures" }, tale.el, choices.el), note);
  reset();
  warmth.set(state.temperature = model.get("temperature"));
  el.append(root);
  return () => { stop(); root.remove(); };
}

export default { render };
