// A picture with two axes, linear or logarithmic, that says its names and where its ticks stand.

const [WIDTH, HEIGHT, LEFT_OF, BELOW, OVER, RIGHT_OF] = [400, 220, 46, 36, 22, 12];

/** Round values between two others: about five of them, or powers of ten. */
export function ticksBetween(low, high, log = false) {
  if (log) {
    const [a, b] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const by = Math.max(1, Math.ceil((b - a) / 5));
    return Array.from({ length: Math.floor((b - a) / by) + 1 }, (_, i) => 10 ** (a + i * by));
  }
  const rough = (high - low) / 5;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const by = [1, 2, 5, 10].find((m) => m * ten >= rough) * ten;
  const first = Math.ceil(low / by - 1e-9);
  return Array.from({ length: Math.floor(high / by + 1e-9) - first + 1 }, (_, i) => (first + i) * by);
}

const UP = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];

function tickText(value, log) {
  const power = Math.round(Math.log10(value));
  if (log && Math.abs(power) > 2) return `10${power < 0 ? "⁻" : ""}${[...String(Math.abs(power))].map((d) => UP[d]).join("")}`;
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

/** Axes over `x` and `y`, pairs of the lowest and highest value; returns { el, at, path, set }. */
export function chart({ x, y, names, logX = false, logY = false }) {
  let ranges = { x, y };
  const share = (v, [low, high], log) => (log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
  const hold = (s) => Math.min(Math.max(Number.isNaN(s) ? 0 : s, -0.03), 1.03);
  const at = ([a, b]) => [LEFT_OF + hold(share(a, ranges.x, logX)) * (WIDTH - LEFT_OF - RIGHT_OF),
    HEIGHT - BELOW - hold(share(b, ranges.y, logY)) * (HEIGHT - OVER - BELOW)];
  const path = (points) => `M${points.map((p) => at(p).map((n) => n.toFixed(1)).join(" ")).join("L")}`;
  const [axes, things] = [svg("g"), svg("g")];
  const el = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "ml-chart" }, axes, things);
  function drawAxes() {
    const [left, base] = at([ranges.x[0], ranges.y[0]]);
    axes.replaceChildren(svg("path", { class: "ml-axis", d: `M${left} ${OVER}V${base}H${WIDTH - RIGHT_OF}` }),
      ...ticksBetween(...ranges.x, logX).map((v) => svg("text", { class: "ml-tick", x: at([v, ranges.y[0]])[0], y: base + 14, "text-anchor": "middle" }, tickText(v, logX))),
      ...ticksBetween(...ranges.y, logY).map((v) => svg("text", { class: "ml-tick", x: left - 5, y: at([ranges.x[0], v])[1] + 4, "text-anchor": "end" }, tickText(v, logY))),
      svg("text", { class: "ml-tick", x: WIDTH - RIGHT_OF, y: HEIGHT - 6, "text-anchor": "end" }, names[0]),
      svg("text", { class: "ml-tick", x: 4, y: 11 }, names[1]));
  }
  drawAxes();
  return { el, at, path, range(next) { ranges = { ...ranges, ...next }; drawAxes(); },
    set(label, ...parts) { el.setAttribute("aria-label", label); things.replaceChildren(...parts.flat(Infinity)); } };
}

/** A dashed line between two points. */
export function guide(c, from, to) { return svg("path", { class: "ml-guide", d: c.path([from, to]) }); }
