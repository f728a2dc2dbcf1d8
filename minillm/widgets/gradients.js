// Three pictures of a gradient: down a bowl with a learning rate, backwards through a graph, and back through time.

/** A number of any size, for the eye. As power_text in minillm.widgets.depth. */
function sizeText(x) {
  const size = Math.abs(x);
  return size === 0 || (size >= 0.01 && size < 1000) ? numberText(x) : x.toExponential(1).replace("+", "").replaceAll("-", "−");
}

/** Gradient descent on ½ a x², from a start. As bowl_path in minillm.widgets.gradients. */
export function bowlPath(rate, curvature, steps, start) {
  const path = [start];
  for (let t = 0; t < steps; t += 1) path.push(path[t] - rate * curvature * path[t]);
  return path;
}

/** The graph of c = a b, s = c + b, L = s²: values, and the gradients that are there after some steps backwards. As
 *  graph_state in minillm.widgets.gradients. */
export function graphState(a, b, back) {
  const c = a * b;
  const s = c + b;
  const grads = { a: 0, b: 0, c: 0, s: 0, L: 1 };
  if (back >= 1) grads.s += 2 * s;
  if (back >= 2) { grads.c += grads.s; grads.b += grads.s; }
  if (back >= 3) { grads.a += grads.c * b; grads.b += grads.c * a; }
  return { values: { a, b, c, s, L: s * s }, grads };
}

/** The memory after each input, and the gradient of the last one in each. As through_time in minillm.widgets.gradients. */
export function throughTime(inputs, { cell, recurrent, forget }) {
  const memory = [];
  const factors = [];
  let h = cell === "tanh" ? -1 : 0;
  for (const x of inputs) {
    h = cell === "tanh" ? Math.tanh(6 * x + recurrent * h) : forget * h + x;
    memory.push(h);
    factors.push(cell === "tanh" ? (1 - h * h) * recurrent : forget);
  }
  const grads = memory.map(() => 1);
  for (let t = memory.length - 2; t >= 0; t -= 1) grads[t] = grads[t + 1] * factors[t + 1];
  return { memory, grads };
}

const strong = (name, text) => h("b", { "data-number": name }, text);

function renderBowl({ model, el }) {
  const start = model.get("start");
  const picture = chart({ x: [-5, 5], y: [0, 14], names: ["parameter", "loss"] });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "bowl", label: "Steps down a bowl", parts: [picture.el, read], draw, controls: {
    rate: (tell) => slider("learning rate", { min: 0.02, max: 2.4, step: 0.02, format: (v) => numberText(v) }, tell),
    curvature: (tell) => slider("curvature", { min: 0.5, max: 3, step: 0.1, format: (v) => numberText(v, 1) }, tell),
    steps: (tell) => slider("steps", { min: 0, max: 20 }, tell) } });

  function draw({ rate, curvature, steps }) {
    const loss = (x) => 0.5 * curvature * x * x;
    const path = bowlPath(rate, curvature, steps, start);
    const curve = Array.from({ length: 101 }, (_, i) => -5 + i / 10);
    const inside = path.findIndex((x) => Math.abs(x) > 5);
    const seen = inside < 0 ? path : path.slice(0, inside);
    const end = path.at(-1);
    picture.set(`a bowl with ${steps} steps; they end at ${sizeText(end)} with a loss of ${sizeText(loss(end))}`,
      svg("path", { class: "ml-stroke ml-thin", d: picture.path(curve.map((x) => [x, loss(x)])) }),
      svg("path", { class: "ml-stroke ml-query", d: picture.path(seen.map((x) => [x, loss(x)])) }),
      seen.map((x, i) => { const [cx, cy] = picture.at([x, loss(x)]); return svg("circle", { class: "ml-fill ml-query", cx, cy, r: i === 0 || i === path.length - 1 ? 6 : 3.5 }); }));
    const factor = 1 - rate * curvature;
    read.replaceChildren(`After ${steps} steps the parameter is `, strong("end", sizeText(end)), " and the loss ", strong("loss", sizeText(loss(end))),
      `. Each step multiplies the parameter by 1 − ${numberText(rate)} · ${numberText(curvature, 1)} = `, strong("factor", numberText(factor)), ": ",
      factor < -1 ? "it jumps across and lands higher each time, so the loss explodes." : factor < 0 ? "it jumps across the bottom and still comes nearer."
        : factor > 0.9 ? "it comes nearer from one side, but slowly." : "it comes nearer from one side.", ` The limit is a rate of 2 / ${numberText(curvature, 1)} = ${numberText(2 / curvature)}.`);
  }
  el.append(shown.el);
  return shown.end;
}

const SPOTS = { a: [40, 33], b: [40, 149], c: [158, 33], s: [276, 91], L: [396, 91] };
const FORMULAS = { a: "a", b: "b", c: "c = a·b", s: "s = c + b", L: "L = s²" };
const ARROWS = [["a", "c", 3], ["b", "c", 3], ["c", "s", 2], ["b", "s", 2], ["s", "L", 1]];
const PASSES = ["Nothing has been passed back yet: the gradient of L in itself is 1.", "The square passes on 2 · s times what arrived.",
  "The sum passes what arrived to both of its inputs unchanged.", "The product passes to each input what arrived times the other one; at b it is added to what is there."];

function renderGraph({ model, el }) {
  const picture = svg("svg", { viewBox: "0 0 436 182", role: "img", class: "ml-dag" });
  const read = h("p", { className: "ml-read", role: "status" });
  const range = { min: -4, max: 4, step: 0.5, format: (v) => numberText(v, 1) };
  const shown = panel({ model, name: "chain", label: "A graph, backwards", parts: [picture, read], draw, controls: {
    a: (tell) => slider("a", range, tell), b: (tell) => slider("b", range, tell),
    back: (tell) => slider("steps back", { min: 0, max: 3 }, tell) } });

  function draw({ a, b, back }) {
    const { values, grads } = graphState(a, b, back);
    const slopes = { ac: b, bc: a, cs: 1, bs: 1, sL: 2 * values.s };
    const reached = { L: 0, s: 1, c: 2, b: 2, a: 3 };
    picture.setAttribute("aria-label", Object.keys(values).map((n) => `${n} = ${numberText(values[n], 1)}, gradient ${back >= reached[n] ? numberText(grads[n], 1) : "unknown"}`).join("; "));
    picture.replaceChildren(...ARROWS.map(([from, to, when]) => {
      const [[x0, y0], [x1, y1]] = [SPOTS[from], SPOTS[to]];
      const [left, right] = [x0 + 37, x1 - 37];
      return svg("g", {}, svg("path", { class: "ml-arrow", "data-on": back >= when, d: `M${left} ${y0}L${right} ${y1}` }),
        svg("text", { class: "ml-tick", x: left + (right - left) * (y0 === y1 ? 0.5 : 0.45), y: y0 + (y1 - y0) * (y0 === y1 ? 0.5 : 0.45) - 5, "text-anchor": "middle" }, numberText(slopes[from + to], 1)));
    }), ...Object.entries(SPOTS).map(([name, [x, y]]) => svg("g", { "data-node": name, "data-on": back >= reached[name] },
      svg("rect", { class: "ml-nodebox", x: x - 36, y: y - 31, width: 72, height: 62, rx: 5 }),
      svg("text", { class: "ml-label", x, y: y - 14, "text-anchor": "middle" }, FORMULAS[name]),
      svg("text", { class: "ml-grad", x, y: y + 4, "text-anchor": "middle" }, numberText(values[name], 1)),
      svg("text", { class: "ml-grad", x, y: y + 22, "text-anchor": "middle" }, back >= reached[name] ? `∂L ${numberText(grads[name], 1)}` : "∂L ?"))));
    const half = back === 2 ? " The gradient of b is not complete yet." : "";
    read.replaceChildren(`${PASSES[back]}${half} `, ...(back === 3 ? ["So ∂L/∂a = ", strong("a", numberText(grads.a, 1)), " and ∂L/∂b = ", strong("b", numberText(grads.b, 1)), "."] : []));
  }
  el.append(shown.el);
  return shown.end;
}

function renderTime({ model, el }) {
  const text = [...model.get("text")];
  const inputs = text.map((c) => ({ "(": 1, ")": -1 })[c] ?? 0);
  const last = text.length - 1;
  const chips = h("p", { className: "ml-tokens" });
  const pictures = [chart({ x: [0, last], y: [-1.2, 1.2], names: ["letter", "memory"] }),
    chart({ x: [0, last], y: [1e-16, 1e4], names: ["letter", "gradient of the last memory in this one"], logY: true })];
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "through", label: "The gradient through time", draw,
    parts: [chips, h("div", { className: "ml-twocharts" }, ...pictures.map((p) => p.el)), read], controls: {
      cell: (tell) => choice("memory", [["tanh", "tanh(6x + w h)"], ["gate", "f c + x"]], tell),
      recurrent: (tell) => slider("weight w", { min: 0, max: 4, step: 0.1, format: (v) => numberText(v, 1) }, tell),
      forget: (tell) => slider("forget gate f", { min: 0, max: 1, step: 0.01, format: (v) => numberText(v) }, tell),
      letter: (tell) => slider("look at letter", { min: 0, max: last }, tell) } });

  function draw({ letter, ...settings }) {
    const { memory, grads } = throughTime(inputs, settings);
    chips.replaceChildren(...text.map((c, i) => h("span", { className: "ml-chip", "data-new": i === letter }, visible(c))));
    [memory, grads.map((g) => Math.abs(g) || 1e-99)].forEach((values, i) => {
      const [cx, cy] = pictures[i].at([letter, values[letter]]);
      pictures[i].set(`${i ? "gradient" : "memory"}: ${sizeText(i ? grads[letter] : values[letter])} at letter ${letter}`,
        i ? guide(pictures[1], [0, 1], [last, 1]) : guide(pictures[0], [0, 0], [last, 0]),
        svg("path", { class: `ml-stroke ml-${i ? "key" : "query"}`, d: pictures[i].path(values.map((v, t) => [t, v]).filter(([, v]) => !i || v > 1e-17)) }), svg("circle", { class: "ml-dot", cx, cy, r: 5 }));
    });
    const size = Math.abs(grads[letter]);
    read.replaceChildren(`“${visible(text[letter])}” stands ${last - letter} steps before the end. The memory there is `, strong("memory", numberText(memory[letter])),
      ", and the gradient that comes back to it ", strong("gradient", sizeText(grads[letter])), ". ", size < 1e-3 ? "It has vanished: training is not told that this letter mattered."
        : size > 1e3 ? "It has exploded." : "It is large enough to learn from.");
  }
  el.append(shown.el);
  return shown.end;
}

const KINDS_OF_PICTURE = { bowl: renderBowl, graph: renderGraph, time: renderTime };

export default { render: (given) => KINDS_OF_PICTURE[given.model.get("kind")](given) };
