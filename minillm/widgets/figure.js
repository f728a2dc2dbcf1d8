// Brings the plotly figures of a page to life, each when it comes near the view: until then, without script and in
// print its still picture stands there. Colours are those of the page's theme and change with it.

const NEAR = "400px";                                // how far below the view a figure begins to load
const NARROW = 520;                                  // pixels; below that curves are named by their buttons alone
const GAP = 16;                                      // pixels between the names at the ends of curves

/** The value with each `var(--ml-…)` in its texts replaced by what `read` says of that variable. */
export function withColors(value, read) {
  if (typeof value === "string") return value.replace(/var\((--[\w-]+)\)/g, (_, name) => read(name));
  if (Array.isArray(value)) return value.map((part) => withColors(part, read));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withColors(part, read)]));
}

/** Move heights apart until neighbours are `gap` apart, as `spread` of minillm.plot does. */
export function spread(heights, gap) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const groups = [];
  for (const i of order) {
    groups.push({ members: [i], centre: heights[i] });
    for (;;) {
      const [below, last] = groups.slice(-2);
      if (!last || last.centre - below.centre >= gap * (last.members.length + below.members.length) / 2) break;
      const members = [...below.members, ...last.members];
      groups.splice(-2, 2, { members, centre: members.reduce((sum, k) => sum + heights[k], 0) / members.length });
    }
  }
  const moved = heights.slice();
  for (const { members, centre } of groups)
    members.forEach((k, place) => { moved[k] = centre + gap * (place - (members.length - 1) / 2); });
  return moved;
}

/** What can be switched: the names of the curves in their order, each with its traces (the curve, its band). */
export function groupsOf(data) {
  const groups = new Map();
  data.forEach((trace, i) => {
    const name = trace.legendgroup || trace.name;
    if (name) groups.set(name, [...(groups.get(name) ?? []), i]);
  });
  return groups;
}

/** The points that the arrow keys visit: [[trace, [point, …]], …]. */
export function readable(data) {
  return data.map((trace, i) => [i, trace]).filter(([, t]) => t.hoverinfo !== "skip" && !t.meta?.floor)
    .map(([i, t]) => [i, (t.y ?? []).map((_, k) => k).filter((k) => t.y[k] !== null)]);
}

const loading = new Map();

/** Load a script of our own site once. */
function load(url) {
  if (!loading.has(url)) loading.set(url, new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url, onload: resolve });
    script.onerror = () => reject(new Error(`${url} did not load`));
    document.head.append(script);
  }));
  return loading.get(url);
}

function element(name, properties = {}, attributes = {}) {
  const made = Object.assign(document.createElement(name), properties);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The theme's value of a CSS variable. */
const themeColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** One figure: its data as Python gave it, and what the reader has switched. */
class Figure {
  constructor(place) {
    this.place = place;
    this.spec = JSON.parse(place.querySelector("script[type='application/json']").textContent);
    this.hidden = new Set();
    this.groups = groupsOf(this.spec.data);
    this.spec.data.forEach((t) => { if (t.visible === "legendonly") this.hidden.add(t.legendgroup || t.name); });
    this.at = null;                                                        // [trace, point] that the keys have reached
  }

  get narrow() { return this.plot.clientWidth < NARROW; }

  shown(trace) { return !this.hidden.has(trace.legendgroup || trace.name); }

  /** Data in the theme's colours, without what is switched off. */
  data() {
    return withColors(this.spec.data, themeColor).map((t) => ({ ...t, visible: this.shown(t) }));
  }

  /** The layout for this theme and width: the curves are named at their ends and not in a legend. */
  layout() {
    const given = withColors(this.spec.layout, themeColor);
    const ends = this.narrow ? [] : this.spec.data.filter((t) => t.meta?.end && this.shown(t)).map((t) => t.name);
    const pen = document.createElement("canvas").getContext("2d");
    const style = getComputedStyle(this.place);
    pen.font = `13px ${style.fontFamily}`;
    const room = Math.ceil(Math.max(0, ...ends.map((name) => pen.measureText(name).width)));
    const base = given.template?.layout?.margin ?? {};
    return { ...given, autosize: true, width: undefined, showlegend: false, uirevision: "kept",
      font: { ...given.template?.layout?.font, ...given.font, family: style.fontFamily },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",     // a finger moves the page
      margin: { ...base, ...given.margin, r: Math.max(16, room ? room + 14 : 0), ...(this.narrow ? { l: 48 } : {}) } };
  }

  config() {
    return { responsive: true, displaylogo: false, scrollZoom: false, modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
      displayModeBar: matchMedia("(hover: none)").matches ? true : "hover" };
  }

  async draw() {
    await Plotly.react(this.plot, this.data(), this.layout(), this.config());
    await this.nameEnds();
  }

  /** Write each curve's name at its last point in view, as far apart as letters are high. */
  async nameEnds() {
    const axes = this.plot._fullLayout;
    const ends = [];
    for (const trace of this.narrow ? [] : this.plot._fullData) {
      const given = this.spec.data[trace.index];
      if (trace.visible !== true || !given.meta?.end) continue;
      const x = axes[trace.xaxis.replace("x", "xaxis")];
      const y = axes[trace.yaxis.replace("y", "yaxis")];
      const inside = (axis, value) => { const p = axis.d2p(value); return p >= -1 && p <= axis._length + 1; };
      const last = given.y.findLastIndex((v, i) => v !== null && inside(x, given.x[i]) && inside(y, v));
      if (last >= 0) ends.push({ trace, right: x._offset + x.d2p(given.x[last]), down: y._offset + y.d2p(given.y[last]) });
    }
    const heights = spread(ends.map((end) => end.down), GAP);
    const { l, t, w, h } = axes._size;                        // in fractions of the page, so that no axis makes room
    const annotations = ends.map((end, i) => ({ text: end.trace.name, showarrow: false, xanchor: "left", xshift: 5,
      xref: "paper", yref: "paper", x: (end.right - l) / w, y: 1 - (heights[i] - t) / h,
      font: { color: end.trace.line?.color ?? end.trace.marker?.color, size: 13 } }));
    this.naming = true;
    await Plotly.relayout(this.plot, { annotations });
    this.naming = false;
  }

  /** A button for each curve, pressed while the curve is shown. */
  buttons() {
    const row = element("div", { className: "ml-curves" }, { role: "group", "aria-label": "curves" });
    for (const [name, members] of this.groups) {
      const trace = this.spec.data[members.find((i) => this.spec.data[i].showlegend !== false) ?? members[0]];
      const button = element("button", { type: "button" }, { "aria-pressed": String(!this.hidden.has(name)) });
      const dash = trace.line?.dash && trace.line.dash !== "solid" ? "dashed" : "solid";
      const sign = element("i", {}, { "aria-hidden": "true" });
      const color = [trace.line?.color, trace.marker?.color].find((c) => typeof c === "string") ?? "currentColor";
      sign.style.borderTop = `3px ${dash} ${color}`;
      button.append(sign, name);
      button.addEventListener("click", () => {
        if (!this.hidden.delete(name)) this.hidden.add(name);
        button.setAttribute("aria-pressed", String(!this.hidden.has(name)));
        this.draw();
      });
      row.append(button);
    }
    return row;
  }

  /** Arrow keys: left and right along a curve, up and down to another one; the point is shown and read out. */
  step(event) {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9],
      End: [0, 1e9] }[event.key];
    if (event.key === "Escape") { Plotly.Fx.unhover(this.plot); this.at = null; this.reading.textContent = ""; }
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = readable(this.spec.data).filter(([i, points]) => points.length && this.shown(this.spec.data[i]));
    if (!all.length) return;
    event.preventDefault();
    const within = (i, n) => Math.min(Math.max(i, 0), n - 1);
    const row = this.at ? Math.max(0, all.findIndex(([i]) => i === this.at[0])) : 0;
    const [trace, points] = all[within(row + (this.at ? move[0] : 0), all.length)];
    const before = this.at ? points.findIndex((k) => k >= this.at[1]) : -1;
    const here = before < 0 ? (this.at ? points.length - 1 : 0) : before;
    this.at = [trace, points[within(here + (this.at ? move[1] : 0), points.length)]];
    this.show();
  }

  /** Hover over the point that the keys have reached, and say it in words. */
  show() {
    const [trace, point] = this.at;
    const { name, x, y, text } = this.spec.data[trace];
    const together = this.plot._fullLayout.hovermode === "x unified";
    Plotly.Fx.hover(this.plot, together ? { xval: x[point] } : [{ curveNumber: trace, pointNumber: point }]);
    const say = (v) => Number(v.toPrecision(4)).toString().replace("-", "−");
    const label = Array.isArray(text) ? text[point].replace(/<[^>]*>/g, " ") : `${name ?? ""}`;
    const { xaxis, yaxis } = this.plot._fullLayout;
    const values = [[yaxis, y[point]], [xaxis, x[point]]].filter(([, v]) => typeof v === "number");
    this.reading.textContent = `${label}: ${values.map(([axis, v]) => `${axis.title.text.replace(/<[^>]*>/g, " ")} ${say(v)}`).join(", ")}`;
  }

  async start() {
    const still = this.place.querySelector(".ml-still");
    const points = "left and right go along a curve, up and down to another one";
    this.plot = element("div", { className: "ml-plot", tabIndex: 0 },
      { role: "application", "aria-roledescription": "chart", "aria-label": `Arrow keys read the values: ${points}.` });
    this.plot.style.height = `${this.spec.layout.height ?? 340}px`;
    this.reading = element("p", { className: "ml-reading" }, { role: "status" });
    const row = this.groups.size > 1 ? [this.buttons()] : [];
    this.place.append(this.plot, ...row, this.reading);
    try {
      this.place.dataset.state = "starting";
      await this.draw();
    } catch (error) {
      for (const made of [this.plot, ...row, this.reading]) made.remove();
      throw error;
    }
    this.place.dataset.state = "live";
    still.setAttribute("aria-hidden", "true");
    this.plot.addEventListener("keydown", (event) => this.step(event));
    this.plot.on("plotly_relayout", () => { if (!this.naming) this.nameEnds(); });
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    let narrow = this.narrow;
    addEventListener("resize", () => { if (narrow !== this.narrow) { narrow = this.narrow; this.draw(); } });
  }
}

/** Start each figure of the page when it comes near the view; where it cannot start, its still picture stays. */
export function startFigures(page = document) {
  const watch = new IntersectionObserver((seen) => seen.filter((s) => s.isIntersecting).forEach(async ({ target }) => {
    watch.unobserve(target);
    try {
      await load(target.dataset.source);
      await new Figure(target).start();
    } catch (error) {
      target.dataset.state = "failed";
      console.error("figure:", error);
    }
  }), { rootMargin: NEAR });
  page.querySelectorAll(".ml-live").forEach((place) => watch.observe(place));
}

if (typeof document !== "undefined") startFigures();
