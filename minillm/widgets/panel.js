// The frame of a widget whose whole state is a few values: controls above, pictures below, a button to begin again.

/** Ties each of `controls` (name of a trait -> what makes its control from a function to tell) to its trait; `draw(data)`
 *  is called at most once a frame. Returns { el, change, data, end }. */
export function panel({ model, name, label, controls, parts, draw }) {
  const keys = Object.keys(controls);
  const data = Object.fromEntries(keys.map((key) => [key, model.get(key)]));
  const first = { ...data };
  const redraw = oncePerFrame(() => draw(data));
  const change = (key, value) => {
    data[key] = value;
    made[key].set(value);
    model.set(key, value);
    model.save_changes();
    redraw();
  };
  const made = Object.fromEntries(keys.map((key) => [key, controls[key]((value) => change(key, value))]));
  const listeners = keys.map((key) => [`change:${key}`,
    () => { if (data[key] !== model.get(key)) change(key, model.get(key)); }]);
  listeners.forEach(([event, tell]) => model.on(event, tell));
  const reset = () => keys.forEach((key) => change(key, first[key]));
  const el = h("div", { className: `ml-root ml-${name}`, role: "group", "aria-label": label },
    h("div", { className: "ml-controls" }, ...keys.map((key) => made[key].el), resetButton(reset)), ...parts);
  keys.forEach((key) => made[key].set(data[key]));
  redraw();
  return { el, change, redraw, data, end() { listeners.forEach(([event, tell]) => model.off(event, tell)); el.remove(); } };
}

/** A line of text that the reader may change. */
export function textBox(label, tell, most = 120) {
  const input = h("input", { "data-lm-suppress-shortcuts": "true", type: "text", maxLength: most, autocomplete: "off",
    spellcheck: false, oninput: () => tell(input.value) });
  return { el: h("div", { className: "ml-control ml-wide" }, h("label", {}, h("span", {}, label), input)),
    set(value) { if (input.value !== value) input.value = value; } };
}

const KILO = ["", "k", "M", "G", "T"];

/** A large number for the eye: `124M`, `7.2G`, with three digits. As `count_text` in minillm.widgets.builder. */
export function countText(n, base = 1000) {
  let i = 0;
  while (Math.round(n) >= base && i < KILO.length - 1) { n /= base; i += 1; }
  return (i === 0 || n >= 99.95 ? n.toFixed(0) : n.toFixed(1)) + KILO[i];
}
