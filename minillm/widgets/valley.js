// Three optimizers in one valley, L(a, b) = ½ (a² + c b²): a path of steps from the same place.

const [START, EPS, BETA2] = [[5, 1], 1e-8, 0.99];
const [LEFT, RIGHT, TOP] = [-1.6, 6, 1.7];
const [W, H] = [640, 280];

export const valleyLoss = ([a, b], c) => 0.5 * (a * a + c * b * b);

/** The points of a path. As descend, momentum and adam in chapter 17, and as torch.optim. */
export function valleyPath({ optimizer, rate, beta, steepness, steps }) {
  const path = [START];
  let [m, v] = [[0, 0], [0, 0]];
  for (let t = 1; t <= steps; t += 1) {
    const p = path.at(-1);
    const g = [p[0], steepness * p[1]];
    m = m.map((x, i) => beta * x + (1 - beta) * g[i]);
    v = v.map((x, i) => BETA2 * x + (1 - BETA2) * g[i] ** 2);
    const step = { sgd: (i) => g[i], momentum: (i) => m[i],
      adam: (i) => m[i] / (1 - beta ** t) / (Math.sqrt(v[i] / (1 - BETA2 ** t)) + EPS) }[optimizer];
    path.push(p.map((x, i) => x - rate * step(i)));
  }
  return path;
}

const at = ([a, b]) => [(a - LEFT) / (RIGHT - LEFT) * W, (TOP - b) / (2 * TOP) * H];
const inside = ([x, y]) => [Math.min(Math.max(x, -50), W + 50), Math.min(Math.max(y, -50), H + 50)].map((n) => n.toFixed(1));

function render({ model, el }) {
  const [rings, line, dots] = [svg("g", { class: "ml-rings" }), svg("polyline", { class: "ml-curve" }), svg("g", { class: "ml-steps" })];
  const goal = svg("path", { class: "ml-goal", d: `M${at([0, 0]).map((x) => x - 6).join(" ")}l12 12m0-12l-12 12` });
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", class: "ml-valley-map" }, rings, line, dots, goal);
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "valley", label: "Optimizers in a valley", parts: [picture, read], draw, controls: {
    optimizer: (tell) => choice("optimizer", [["sgd", "gradient descent"], ["momentum", "momentum"], ["adam", "Adam"]], tell),
    rate: (tell) => slider("learning rate", { min: 0.005, max: 0.4, step: 0.005, format: (v) => numberText(v, 3) }, tell),
    beta: (tell) => slider("β₁", { min: 0, max: 0.98, step: 0.02, format: (v) => numberText(v) }, tell),
    steepness: (tell) => slider("steepness", { min: 1, max: 50 }, tell),
    steps: (tell) => slider("steps", { min: 0, max: 100 }, tell) } });

  function draw(data) {
    const path = valleyPath(data);
    const c = data.steepness;
    rings.replaceChildren(...[0.5, 2, 5, 9, 14, 20].map((level) => svg("ellipse", { cx: at([0, 0])[0], cy: at([0, 0])[1],
      rx: Math.sqrt(2 * level) / (RIGHT - LEFT) * W, ry: Math.sqrt(2 * level / c) / (2 * TOP) * H })));
    const points = path.map((p) => inside(at(p)));
    line.setAttribute("points", points.map((p) => p.join(",")).join(" "));
    dots.replaceChildren(...points.map(([cx, cy], i) => svg("circle", { cx, cy, r: i === 0 || i === points.length - 1 ? 5 : 2.5 })));
    const end = path.at(-1);
    const loss = valleyLoss(end, c);
    const away = !(loss < valleyLoss(START, c) * 4);
    const limit = data.optimizer === "sgd" ? ` Gradient descent is stable up to a rate of 2 / ${c} = ${numberText(2 / c, 3)}.` : "";
    read.replaceChildren(`After ${data.steps} ${data.steps === 1 ? "step" : "steps"}: loss `, h("b", { "data-number": "loss" },
      loss < 1e-3 || loss >= 1e4 ? loss.toExponential(1).replace("-", "−") : numberText(loss, 3)),
    `, from ${numberText(valleyLoss(START, c), 1)} at the start.${away ? " The path flies away." : ""}${limit}`);
    picture.setAttribute("aria-label", `A valley with a path of ${data.steps} steps; it ends at a = ${numberText(end[0])}, b = ${numberText(end[1])}`);
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
