// Weights on a number line, and the levels that a few bits leave of it.

const [WIDE, HIGH, EDGE] = [640, 114, 14];

/** The nearest whole number, the even one of two (IEEE 754), as PyTorch rounds. */
const nearest = (x) => { const r = Math.round(x); return Math.abs(x % 1) === 0.5 && r % 2 ? r - 1 : r; };

/** Scale and zero point for weights, symmetric or with a zero point. As fit_scales in minillm.quant.layers, whose scales
 *  are also rounded to 16 bits. */
export function fitLine(weights, bits, zero) {
  const [low, high] = [Math.min(0, ...weights), Math.max(0, ...weights)];
  const steps = zero ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  const scale = (zero ? high - low : Math.max(-low, high)) / steps || 1;
  return { scale, zero: zero ? nearest(-low / scale) : 2 ** (bits - 1), levels: 2 ** bits };
}

/** What the weights are read as again. */
export function readAgain(weights, { scale, zero, levels }) {
  return weights.map((w) => (Math.min(Math.max(nearest(w / scale) + zero, 0), levels - 1) - zero) * scale);
}

function render({ model, el }) {
  const own = model.get("weights");
  const [ticks, links, dots, ends] = [svg("g", { class: "ml-ticks" }), svg("g", { class: "ml-links" }), svg("g"), svg("g")];
  const line = svg("line", { class: "ml-axis", x1: EDGE, x2: WIDE - EDGE, y1: 78, y2: 78 });
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" }, line, ticks, links, dots, ends);
  const read = h("p", { className: "ml-read" });
  const table = h("tbody");
  const shown = panel({ model, name: "numberline", label: "Weights in few bits", parts: [picture, read,
    h("div", { className: "ml-scroll" }, h("table", { className: "ml-table" }, h("thead", {}, h("tr", {},
      ...["weight", "code", "read as", "error"].map((name) => h("th", { scope: "col" }, name)))), table))], draw, controls: {
    bits: (tell) => choice("bits", [8, 4, 3, 2].map((b) => [b, `${b} bits: ${2 ** b} codes`]), (v) => tell(Number(v))),
    zero: (tell) => toggle("zero point", tell),
    outlier: (tell) => slider("outlier", { min: 1, max: 8, step: 0.1, format: (v) => numberText(v, 1) }, tell) } });

  function draw({ bits, zero, outlier }) {
    const weights = [...own, outlier];
    const fit = fitLine(weights, bits, zero);
    const again = readAgain(weights, fit);
    const [low, high] = [Math.min(-1.3, ...weights, ...again), Math.max(1.3, ...weights, ...again)];
    const x = (w) => EDGE + (w - low) / (high - low) * (WIDE - 2 * EDGE);
    const level = (code) => (code - fit.zero) * fit.scale;
    const all = Array.from({ length: fit.levels }, (_, c) => level(c)).filter((v) => v >= low - 1e-9 && v <= high + 1e-9);
    ticks.replaceChildren(...all.map((v) => svg("line", { x1: x(v), x2: x(v), y1: 70, y2: 86 })));
    links.replaceChildren(...weights.map((w, i) => svg("path", { d: `M${x(w)} 34C${x(w)} 56 ${x(again[i])} 50 ${x(again[i])} 70` })));
    dots.replaceChildren(...weights.map((w, i) => svg("circle", { cx: x(w), cy: 30, r: 5, class: i === own.length ? "ml-outlier" : "ml-weight" })),
      ...[...new Set(again)].map((w) => svg("circle", { cx: x(w), cy: 78, r: 4.5, class: "ml-read-as" })));
    ends.replaceChildren(svg("text", { class: "ml-tick", x: EDGE, y: 16 }, "weights"),
      svg("text", { class: "ml-tick", x: EDGE, y: 108 }, numberText(low, 1)), svg("text", { class: "ml-tick", x: x(0), y: 108, "text-anchor": "middle" }, "0"),
      svg("text", { class: "ml-tick", x: WIDE - EDGE, y: 108, "text-anchor": "end" }, numberText(high, 1)));
    const errors = weights.map((w, i) => again[i] - w);
    const small = own.map((_, i) => errors[i] ** 2).reduce((a, b) => a + b, 0) / own.length;
    const lost = own.filter((w, i) => w !== 0 && again[i] === 0).length;
    read.replaceChildren(`${all.length} levels lie in this range, and one step is worth `, h("b", { "data-number": "step" }, numberText(fit.scale, 3)),
      ". The weights but the outlier are off by ", h("b", { "data-number": "error" }, numberText(Math.sqrt(small), 3)),
      ` (root mean square), and ${lost} of ${own.length} have become zero.`);
    picture.setAttribute("aria-label", `${weights.length} weights from ${numberText(Math.min(...weights))} to ${numberText(Math.max(...weights))}, `
      + `rounded to steps of ${numberText(fit.scale, 3)}`);
    table.replaceChildren(...weights.map((w, i) => h("tr", { "data-on": i === own.length }, ...[numberText(w), String(nearest(again[i] / fit.scale) + fit.zero),
      numberText(again[i], 3), numberText(errors[i], 3)].map((text) => h("td", {}, text)))));
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
