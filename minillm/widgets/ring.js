// A cache of constant memory, step by step: the first tokens stay, the others push each other out of a ring.

/** Which token lies in each used slot after `seen` tokens. As RollingCache.held in minillm.decoding.stream. */
export function held(seen, sinks, window) {
  return Array.from({ length: Math.min(seen, sinks + window) }, (_, slot) => {
    const newest = seen - 1 - (seen - 1 - slot) % window;
    return slot < sinks ? slot : newest;
  });
}

/** The position that a key is rotated to: its own, or its place in the cache. As SinkCache.places, after `seen` tokens. */
export function placeOf(token, seen, sinks, window, inside) {
  return !inside || token < sinks ? token : token - Math.max(0, seen - 1 - (sinks + window - 1));
}

function render({ model, el }) {
  const words = model.get("words");
  const text = h("p", { className: "ml-tokens" });
  const slots = h("ol", { className: "ml-slots" });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "ring", label: "A cache that never grows", draw, parts: [
    h("p", { className: "ml-caption" }, h("b", {}, "text")), text, h("p", { className: "ml-caption" }, h("b", {}, "slots"),
      " token, and the position its key is rotated to"), slots, read], controls: {
    step: (tell) => slider("tokens read", { min: 1, max: words.length }, tell),
    sinks: (tell) => slider("sinks", { min: 0, max: 4 }, tell),
    window: (tell) => slider("window", { min: 1, max: 8 }, tell),
    inside: (tell) => toggle("positions inside the cache", tell) } });

  function draw({ step, sinks, window, inside }) {
    const now = held(step, sinks, window);
    const last = step - 1;
    text.replaceChildren(...words.map((word, t) => h("span", { className: "ml-chip", "data-state": t >= step ? "later" : !now.includes(t) ? "lost"
      : t < sinks ? "sink" : t === last ? "now" : "kept" }, visible(word))));
    slots.replaceChildren(...Array.from({ length: sinks + window }, (_, i) => {
      const t = now[i];
      return h("li", { "data-state": t === undefined ? "empty" : i < sinks ? "sink" : t === last ? "now" : "kept" },
        h("span", { className: "ml-word" }, t === undefined ? " " : visible(words[t])),
        h("small", {}, t === undefined ? `slot ${i}` : `token ${t}, at ${placeOf(t, step, sinks, window, inside)}`));
    }));
    const lost = step - now.length;
    const query = placeOf(last, step, sinks, window, inside);
    read.textContent = `${now.length} of ${sinks + window} slots are used; ${lost} of ${step} tokens are forgotten. The query stands at position ${query}`
      + (lost && !inside ? `, farther from ${sinks ? "the sinks" : "the start"} with each token.` : inside && lost ? ", and stays there." : ".");
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
