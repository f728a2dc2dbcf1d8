// A budget over a scaling law, and the interval of a share by drawing its questions again.

/** The loss that a law predicts. As ScalingLaw.loss in minillm.train.scaling. */
export function lawLoss(law, parameters, tokens) { return law.floor + law.a * parameters ** -law.alpha + law.b * tokens ** -law.beta; }

/** The parameters of the lowest loss at a budget of `flops`, and their tokens. As ScalingLaw.optimal. */
export function lawOptimal(law, flops) {
  const ratio = law.alpha * law.a / (law.beta * law.b);
  const best = (ratio * (flops / 6) ** law.beta) ** (1 / (law.alpha + law.beta));
  return [best, flops / 6 / best];
}

const strongly = (name, text) => h("b", { "data-number": name }, text);

function renderBudget({ model, el }) {
  const [laws, runs] = [model.get("laws"), model.get("runs")];
  const [low, high] = model.get("span");
  const picture = chart({ x: [1e3, 1e6], y: [0, 2], names: ["parameters", "loss, nats per token"], logX: true });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "budget", label: "A budget over a scaling law", parts: [picture.el, read], draw, controls: {
    law: (tell) => choice("law", Object.keys(laws).map((name) => [name, name]), tell),
    power: (tell) => slider("budget", { min: low, max: high, step: 0.1, format: (v) => `${(10 ** v).toExponential(1).replace("+", "")} FLOPs` }, tell),
    size: (tell) => slider("size of model", { min: -4, max: 4, step: 0.25, format: (v) => (v === 0 ? "the best" : `best × ${v > 0 ? numberText(2 ** v, 1) : numberText(2 ** v)}`) }, tell) } });

  function draw({ law: name, power, size }) {
    const law = laws[name];
    const flops = 10 ** power;
    const [best, enough] = lawOptimal(law, flops);
    const [n, d] = [best * 2 ** size, enough / 2 ** size];
    const loss = (parameters) => lawLoss(law, parameters, flops / 6 / parameters);
    const near = runs.filter((r) => Math.abs(Math.log10(r.budget) - power) < 0.25);
    const sizes = Array.from({ length: 81 }, (_, i) => best * 2 ** (-4.5 + i * 9 / 80));
    const ends = [loss(best), ...sizes.map(loss)];
    picture.range({ x: [sizes[0], sizes.at(-1)], y: [Math.min(loss(best), ...near.map((r) => r.loss)) * 0.95, Math.max(...ends.slice(1)) * 1.02] });
    const [cx, cy] = picture.at([n, loss(n)]);
    picture.set(`loss against parameters at ${flops.toExponential(1)} FLOPs; ${countText(n)} parameters give ${numberText(loss(n), 3)}`,
      guide(picture, [sizes[0], loss(best)], [sizes.at(-1), loss(best)]), svg("path", { class: "ml-stroke ml-query", d: picture.path(sizes.map((x) => [x, loss(x)])) }),
      near.filter((r) => r.parameters > sizes[0] && r.parameters < sizes.at(-1)).map((r) => {
        const [x, y] = picture.at([r.parameters, r.loss]);
        return svg("circle", { class: "ml-fill ml-key", "data-run": r.width, cx: x, cy: y, r: 5 });
      }), svg("circle", { class: "ml-dot", cx, cy, r: 6 }));
    read.replaceChildren(`A model of `, strongly("parameters", countText(n)), " parameters can read ", strongly("tokens", countText(d)), ` tokens, `, strongly("ratio", numberText(d / n, 1)),
      " for each parameter, and the law gives it a loss of ", strongly("loss", numberText(loss(n), 3)), `, ${numberText(loss(n) - loss(best), 3)} above the best of this budget.`,
      near.length ? ` The ${near.length} dots are trained models of about this budget.` : "");
  }
  el.append(shown.el);
  return shown.end;
}

/** Numbers from 0 to 1. As uniform in minillm.widgets.lm. */
export function stream(seed) {
  let x = Math.imul(seed + 1, 0x9E3779B1) >>> 0 || 1;
  return () => {
    x ^= x << 13; x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5; x >>>= 0;
    return x / 2 ** 32;
  };
}

/** How many of n are right in each of `times` samples that are drawn anew from n questions of which k are right. */
export function drawAgain(k, n, times, seed) {
  const next = stream(seed);
  return Array.from({ length: times }, () => {
    let right = 0;
    for (let i = 0; i < n; i += 1) if (next() * n < k) right += 1;
    return right;
  });
}

/** The value below which a share of the sorted values lies, between neighbours in a straight line, as NumPy has it. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** Wilson's interval of k of n. As wilson in minillm.intervals. */
export function wilson(k, n, z = 1.96) {
  const [share, spread] = [k / n, z * z / n];
  const middle = (share + spread / 2) / (1 + spread);
  const half = Math.sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread);
  return [middle - half, middle + half];
}

function renderInterval({ model, el }) {
  const picture = chart({ x: [0, 1], y: [0, 1], names: ["share right in a new sample", "samples"] });
  const read = h("p", { className: "ml-read", role: "status" });
  const span = (pair) => `${numberText(pair[0], 3)} to ${numberText(pair[1], 3)}`;
  const shown = panel({ model, name: "interval", label: "An interval by resampling", parts: [picture.el, read], draw, controls: {
    n: (tell) => slider("questions", { min: 3, max: 200 }, tell),
    share: (tell) => slider("share right", { min: 0, max: 1, step: 0.01, format: (v) => numberText(v) }, tell),
    times: (tell) => slider("samples", { min: 20, max: 2000, step: 20 }, tell),
    seed: (tell) => slider("draw no.", { min: 0, max: 20 }, tell) } });

  function draw({ n, share, times, seed }) {
    const k = Math.min(Math.floor(share * n + 0.5), n);
    const found = drawAgain(k, n, times, seed);
    const ends = [0.025, 0.975].map((q) => quantile(found, q) / n);
    const by = Math.max(1, Math.ceil(n / 60));
    const counts = new Map();
    for (const right of found) counts.set(Math.floor(right / by), (counts.get(Math.floor(right / by)) ?? 0) + 1);
    picture.range({ y: [0, Math.max(...counts.values()) * 1.08] });
    const [own, top] = [k / n, Math.max(...counts.values()) * 1.08];
    picture.set(`shares of ${times} samples; 95% of them lie from ${span(ends)}`, [...counts].map(([bin, count]) => {
      const [[x0, y], [x1, base]] = [picture.at([(bin - 0.45) * by / n, count]), picture.at([(bin + 0.45) * by / n, 0])];
      return svg("rect", { class: `ml-fill ${bin * by / n < ends[0] - 1e-9 || bin * by / n > ends[1] + 1e-9 ? "ml-rest" : "ml-query"}`, x: x0, width: Math.max(x1 - x0, 1), y, height: base - y });
    }), ends.map((e) => guide(picture, [e, 0], [e, top])), svg("path", { class: "ml-stroke ml-key", d: picture.path([[own, 0], [own, top]]) }));
    const wide = wilson(k, n);
    read.replaceChildren(`${k} of ${n} are right. 95% of the new samples have a share from `, strongly("low", numberText(ends[0], 3)), " to ", strongly("high", numberText(ends[1], 3)),
      `; Wilson's interval goes from `, strongly("wilson", span(wide)), ". ", ends[0] === ends[1] ? "All answers are alike, so drawing them again shows no spread; Wilson's does not collapse."
        : `The interval is ${numberText(ends[1] - ends[0])} wide: four times as many questions make it about half as wide.`);
  }
  el.append(shown.el);
  return shown.end;
}

export default { render: (given) => (given.model.get("kind") === "budget" ? renderBudget : renderInterval)(given) };
