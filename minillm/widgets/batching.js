// Requests in the rows of a batch: in groups, and row by row, with those who wait.

/** Where and when each request is worked on: [row, first step, end], as batching_plan in minillm.widgets.batching. With
 *  `joining` a request may enter at any step; else a group begins when the last one is over. */
export function batchingPlan(arrivals, lengths, rows, joining) {
  const plan = arrivals.map(() => null);
  const free = Array(rows).fill(0);                            // the step from which each row is free
  for (let step = 0; plan.includes(null); step += 1) {
    if (!joining && free.some((end) => end > step)) continue;
    for (let row = 0; row < rows; row += 1) {
      const next = plan.findIndex((place, i) => !place && arrivals[i] <= step);
      if (next < 0 || free[row] > step) continue;
      plan[next] = [row, step, step + lengths[next]];
      free[row] = step + lengths[next];
    }
  }
  return plan;
}

/** Steps until all is written, the mean steps a request waits for its row, the longest from coming to the end, and the
 *  share of the rows' steps that write a token. */
export function batchingCost(plan, arrivals, rows) {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const steps = Math.max(...plan.map(([, , end]) => end));
  const written = plan.reduce((sum, [, start, end]) => sum + end - start, 0);
  return { steps, wait: mean(plan.map(([, start], i) => start - arrivals[i])), longest: Math.max(...plan.map(([, , end], i) => end - arrivals[i])),
    busy: written / rows / steps };
}

const [BAR, TOP_OF, MOST_ROWS, KINDS_OF] = [17, 16, 4, ["query", "key", "value", "output"]];
const WAYS = [["in groups", false], ["row by row", true]];

function render({ model, el }) {
  const lengths = model.get("lengths");
  const pictures = WAYS.map(([name]) => svg("svg", { viewBox: `0 0 400 ${TOP_OF + BAR * (MOST_ROWS + 2)}`, role: "img", class: "ml-timeline", "data-way": name }));
  const captions = WAYS.map(() => h("p", { className: "ml-caption" }));
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "batching", label: "Requests in a batch", draw,
    parts: [...WAYS.flatMap((_, i) => [captions[i], pictures[i]]), read], controls: {
      rows: (tell) => slider("rows", { min: 1, max: MOST_ROWS }, tell),
      gap: (tell) => slider("arrival gap", { min: 0, max: 4, step: 0.25, format: (v) => numberText(v) }, tell),
      equal: (tell) => toggle("all of one length", tell),
      step: (tell) => slider("look at step", { min: 0, max: 60 }, tell) } });

  function draw({ rows, gap, equal, step }) {
    const wanted = lengths.map((n) => (equal ? 4 : n));
    const arrivals = wanted.map((_, i) => Math.floor(i * gap));
    const plans = WAYS.map(([, joining]) => batchingPlan(arrivals, wanted, rows, joining));
    const costs = plans.map((plan) => batchingCost(plan, arrivals, rows));
    const until = Math.ceil(Math.max(...costs.map((c) => c.steps)) / 8) * 8;
    const x = (t) => 4 + t / until * 392;
    plans.forEach((plan, i) => {
      const { steps, wait, longest, busy } = costs[i];
      captions[i].replaceChildren(h("b", {}, WAYS[i][0]), ` ${steps} steps; mean wait ${numberText(wait, 1)}, longest reply ${longest}, ${Math.round(100 * busy)}% of the rows' work is used`);
      const waiting = Array.from({ length: until }, (_, t) => plan.filter(([, start], j) => arrivals[j] <= t && t < start).length);
      pictures[i].setAttribute("aria-label", `${WAYS[i][0]}: ${plan.map(([row, start, end], j) => `request ${j} in row ${row}, steps ${start} to ${end - 1}`).join("; ")}`);
      pictures[i].replaceChildren(
        ...Array.from({ length: rows }, (_, row) => svg("rect", { class: "ml-idle", x: x(0), width: x(until) - x(0), y: TOP_OF + row * BAR, height: BAR - 2 })),
        ...plan.flatMap(([row, start, end], j) => [
          svg("path", { class: `ml-fill ml-${KINDS_OF[j % 4]}`, d: `M${x(arrivals[j])} ${TOP_OF - 5}l4 -8h-8z` }),
          svg("rect", { class: `ml-fill ml-${KINDS_OF[j % 4]}`, x: x(start), width: x(end) - x(start), y: TOP_OF + row * BAR, height: BAR - 2 }),
          svg("text", { class: "ml-inside", x: x((start + end) / 2), y: TOP_OF + row * BAR + 11, "text-anchor": "middle" }, x(end) - x(start) > 11 ? String(j) : "")]),
        ...waiting.map((n, t) => svg("rect", { class: "ml-queue", x: x(t), width: x(t + 1) - x(t) - 0.5, y: TOP_OF + BAR * (rows + 1.9) - 2.4 * n, height: 2.4 * n })),
        svg("text", { class: "ml-tick", x: x(until), y: TOP_OF + BAR * (rows + 1), "text-anchor": "end" }, `waiting: at most ${Math.max(...waiting)}`),
        svg("line", { class: "ml-stroke", x1: x(step + 0.5), x2: x(step + 0.5), y1: TOP_OF - 2, y2: TOP_OF + BAR * (rows + 1.9) }));
    });
    const now = plans.map((plan) => {
      const list = (those) => those.length ? those.join(", ") : "none";
      const at = (test) => plan.flatMap((place, j) => (test(place, j) ? [j] : []));
      return `running ${list(at(([, start, end]) => start <= step && step < end))}, waiting ${list(at(([, start], j) => arrivals[j] <= step && step < start))}`;
    });
    read.replaceChildren(`At step ${step}, in groups: `, h("span", { "data-way": "in groups" }, now[0]), "; row by row: ", h("span", { "data-way": "row by row" }, now[1]), ".");
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
