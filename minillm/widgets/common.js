// What the widgets share. `widget_esm` puts it, after `const PALETTE = …`, in front of each widget's own module.

function fill(el, props, children) {
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith("data-")) { el.setAttribute(key, String(value)); continue; }
    if (value === false) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else if (key in el && !key.includes("-") && !(el instanceof SVGElement)) el[key] = value;
    else el.setAttribute(key, value === true ? "" : String(value));
  }
  el.append(...children.flat());
  return el;
}

/** An HTML element with properties, listeners and children; strings become text, never markup. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element with attributes and children. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

/** A number for the eye, with a true minus sign; what a mask writes is `−∞`. As `number_text` in minillm.plot. */
export function numberText(value, decimals = 2) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return value.toFixed(decimals).replace("-", "−");
}

/** A token as it can be seen: `·` for a space, `⏎` for a newline, `⇥` for a tab. */
export function visible(token) {
  return token.replaceAll(" ", "·").replaceAll("\n", "⏎").replaceAll("\t", "⇥");
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** The colour `[r, g, b]` of a value: sequential from 0 to `top`, or diverging about zero from −top to top. */
export function scaleColor(value, top, signed) {
  const stops = (signed ? PALETTE.diverging : PALETTE.sequential).map(channels);
  const at = Math.min(Math.max(signed ? value / top / 2 + 0.5 : value / top, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(at), stops.length - 2);
  return stops[i].map((low, c) => Math.round(low + (stops[i + 1][c] - low) * (at - i)));
}

const linear = (c) => (c <= 10 ? c / 3295 : ((c / 255 + 0.055) / 1.055) ** 2.4);

/** The relative luminance of a colour, from 0 to 1 (WCAG 2.2). */
export function luminance([red, green, blue]) {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** Black or white, whichever has more contrast on that colour: never less than 4.5. */
export function inkOn(color) {
  return luminance(color) > 0.179 ? "#000000" : "#ffffff";
}

// JupyterLab keeps the arrow keys for itself unless the focused element carries this attribute.
const KEYS = { "data-lm-suppress-shortcuts": "true" };

/** A labelled slider that shows its value. `format` turns the number into text; returns { el, set }. */
export function slider(label, { min, max, step = 1, format = String }, tell) {
  const output = h("output", {});
  const say = () => {
    output.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  const input = h("input", { ...KEYS, type: "range", min, max, step,
    oninput: () => { say(); tell(Number(input.value)); } });
  const el = h("div", { className: "ml-control" }, h("label", {}, h("span", {}, label), input), output);
  return { el, set(value) { input.value = value; say(); } };
}

/** A labelled choice of `[value, text]` pairs. */
export function choice(label, options, tell) {
  const select = h("select", { ...KEYS, onchange: () => tell(select.value) },
    ...options.map(([value, text]) => h("option", { value }, text)));
  const el = h("div", { className: "ml-control" }, h("label", {}, h("span", {}, label), select));
  return { el, set(value) { select.value = String(value); } };
}

/** A labelled box to tick. */
export function toggle(label, tell) {
  const input = h("input", { ...KEYS, type: "checkbox", onchange: () => tell(input.checked) });
  const el = h("div", { className: "ml-control" }, h("label", {}, h("span", {}, label), input));
  return { el, set(value) { input.checked = value; } };
}

/** The button that brings back the state a widget began in. */
export function resetButton(tell) {
  return h("button", { type: "button", onclick: tell }, "Reset");
}

/** Redraw at most once a frame, however fast the hand moves. */
export function oncePerFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
}
