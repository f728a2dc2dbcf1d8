// A digit drawn by hand, the patches that a small vision transformer is given, and its answer.

const FINE = 32;                                          // pixels a side of the pad: 4 × 4 of them make one of the model's
const PEN = 1.8;                                          // half the width of a stroke
const MOVES_OF = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** Which pixels of the pad a stroke of the pen between two points covers, set in `pad`. */
export function strokeOn(pad, [x0, y0], [x1, y1]) {
  for (let i = 0; i < pad.length; i += 1) {
    const [x, y] = [i % FINE + 0.5, Math.floor(i / FINE) + 0.5];
    const long = (x1 - x0) ** 2 + (y1 - y0) ** 2;
    const at = long ? Math.min(Math.max(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / long, 0), 1) : 0;
    if ((x - x0 - at * (x1 - x0)) ** 2 + (y - y0 - at * (y1 - y0)) ** 2 <= PEN ** 2) pad[i] = 1;
  }
  return pad;
}

/** Move the drawing into the middle and enlarge it until it fills the frame, as the digits of the data set are. */
export function fitted(pad) {
  const inked = [...pad.keys()].filter((i) => pad[i]);
  if (!inked.length) return pad;
  const span = (values) => [Math.min(...values), Math.max(...values) + 1];
  const [left, right] = span(inked.map((i) => i % FINE));
  const [top, bottom] = span(inked.map((i) => Math.floor(i / FINE)));
  const factor = Math.max(right - left, bottom - top) / FINE;
  const from = (i, low, high) => Math.floor((low + high) / 2 + (i + 0.5 - FINE / 2) * factor);
  return pad.map((_, i) => {
    const [x, y] = [from(i % FINE, left, right), from(Math.floor(i / FINE), top, bottom)];
    return x >= left && x < right && y >= top && y < bottom ? pad[y * FINE + x] : 0;
  });
}

/** How many pixels of each block of 4 × 4 are inked: 64 numbers from 0 to 16, as the data set was made. */
export function blockCounts(pad) {
  return Array.from({ length: 64 }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < 16; i += 1) sum += pad[(Math.floor(k / 8) * 4 + Math.floor(i / 4)) * FINE + (k % 8) * 4 + i % 4];
    return sum;
  });
}

/** What the model says of 64 pixels from 0 to 16: probabilities of the ten digits, and for each layer how much the class
 *  token attends to each patch, the mean over heads. */
export function readDigit({ tensors, config }, pixels) {
  const { rows, looks } = makeTower(tensors, config, "tower").see(pixels.map((x) => x / 16));
  const p = toProbabilities(affine({ W: tensors["head.weight"].data, b: tensors["head.bias"].data }, rows[0]));
  return { p: [...p], looks: looks.map((heads) => Array.from({ length: 16 }, (_, i) => heads.reduce((sum, w) => sum + w[i + 1], 0) / heads.length)) };
}

const darkness = (x) => `rgb(${scaleColor(x, 16, false)})`;

function render({ model, el }) {
  const net = { tensors: tensorsOf(model.get("weights")), config: model.get("config") };
  const examples = model.get("examples");
  let [pad, last, down, pen] = [new Uint8Array(FINE * FINE), null, false, [16, 16]];
  const canvas = h("canvas", { className: "ml-pad", width: FINE, height: FINE, tabIndex: 0, role: "img", "data-lm-suppress-shortcuts": "true" });
  const cursor = h("i", { className: "ml-nib" });
  const [given, looked] = ["what the model is given", "what the class token attends to"].map((label) => svg("svg", { viewBox: "0 0 88 88", role: "img", "aria-label": label, class: "ml-digit-grid" }));
  const bars = h("ol", { className: "ml-digits" });
  const read = h("p", { className: "ml-read", role: "status" });
  const box = (name, says, ...parts) => h("div", {}, h("p", { className: "ml-caption" }, h("b", {}, name), ` ${says}`), ...parts);

  const mine = () => {
    model.set("pixels", blockCounts(shown.data.fit ? fitted(pad) : pad));
    if (shown.data.example) shown.change("example", 0); else shown.redraw();
  };
  const ink = (to) => { pad = strokeOn(pad, last ?? to, to); last = to; mine(); };
  const where = (e) => {
    const frame = canvas.getBoundingClientRect();
    return [(e.clientX - frame.left) / frame.width * FINE, (e.clientY - frame.top) / frame.height * FINE];
  };
  fill(canvas, {
    onpointerdown: (e) => { canvas.setPointerCapture(e.pointerId); last = null; ink(where(e)); },
    onpointermove: (e) => { if (e.buttons) ink(where(e)); },
    onpointerup: () => { last = null; },
    onkeydown: (e) => {
      const by = MOVES_OF[e.key];
      if (!by && e.key !== " " && e.key !== "Enter") return;
      e.preventDefault();
      if (by) pen = pen.map((v, i) => Math.min(Math.max(v + 2 * by[i], 2), FINE - 2));
      else { down = !down; last = null; }
      if (down) ink(pen); else shown.redraw();
    } }, []);
  const wipe = () => { pad = new Uint8Array(FINE * FINE); last = null; down = false; mine(); };
  const shown = panel({ model, name: "digit", label: "A digit and a vision transformer", draw, parts: [
    h("div", { className: "ml-planes" }, box("your pad", "draw here", h("div", { className: "ml-padbox" }, canvas, cursor)), box("patches", "16 of 2×2", given), box("attention", "of the class token", looked)),
    bars, read], controls: {
    example: (tell) => slider("test digit", { min: 0, max: examples.length, format: (v) => (v ? String(v) : "yours") }, tell),
    layer: (tell) => slider("attention of layer", { min: 1, max: net.config.n_layers }, tell),
    fit: (tell) => toggle("fill the frame", (v) => { tell(v); if (!shown.data.example) mine(); }) } });
  shown.el.querySelector(".ml-controls").append(h("button", { type: "button", onclick: wipe }, "Clear the pad"));
  shown.el.querySelector(".ml-controls > button").addEventListener("click", wipe);   // Reset; wiping first turns to the pad
  shown.el.querySelector(".ml-controls > button").addEventListener("click", () => shown.change("example", model.get("first")));

  const squares = (values, side, color) => values.map((x, i) => svg("rect", { x: 4 + (i % side) * (80 / side), y: 4 + Math.floor(i / side) * (80 / side), width: 80 / side, height: 80 / side, fill: color(x) }));
  const lines = [20, 40, 60].flatMap((v) => [svg("path", { class: "ml-cut", d: `M${v + 4} 4v80M4 ${v + 4}h80` })]);

  function draw({ example, layer }) {
    const pixels = example ? examples[example - 1].pixels : model.get("pixels");
    const { p, looks } = readDigit(net, pixels);
    const picture = new ImageData(FINE, FINE);
    for (let i = 0; i < pad.length; i += 1) picture.data.set([...scaleColor(pad[i], 1, false), 255], 4 * i);
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.setAttribute("aria-label", `a pad to draw a digit on: by pointer, or arrow keys to move the pen and space to ${down ? "lift" : "lower"} it; the pen is ${down ? "down" : "up"}`);
    fill(cursor, { style: `left:${pen[0] / FINE * 100}%;top:${pen[1] / FINE * 100}%`, "data-down": down }, []);
    given.replaceChildren(...squares(pixels, 8, darkness), ...lines.map((l) => l.cloneNode()));
    const now = looks[layer - 1];
    looked.replaceChildren(...squares(now, 4, (w) => `rgb(${scaleColor(w, Math.max(...now), false)})`), ...now.map((w, i) => svg("text", {
      x: 14 + (i % 4) * 20, y: 17 + Math.floor(i / 4) * 20, "text-anchor": "middle", style: `fill:${inkOn(scaleColor(w, Math.max(...now), false))}` }, String(Math.round(100 * w)))));
    looked.setAttribute("aria-label", `weights of the class token in layer ${layer}, in percent: ${now.map((w) => Math.round(100 * w)).join(", ")}`);
    const best = p.indexOf(Math.max(...p));
    bars.replaceChildren(...p.map((x, i) => h("li", { "data-on": i === best, style: `--p:${x.toFixed(4)}` }, h("b", {}, String(i)), h("span", {}, numberText(x, 3)))));
    const empty = pixels.every((x) => x === 0);
    const true_ = example ? examples[example - 1].label : null;
    read.replaceChildren("The model says ", h("b", { "data-number": "answer" }, String(best)), ` with probability ${numberText(p[best], 3)}. `,
      example ? (true_ === best ? "That is the label." : `The label is ${true_}.`) : empty ? "The pad is empty, and yet it must answer one of ten: nothing was ever shown to it that is no digit."
        : "Does it depend on where you draw, and how large? Try it without filling the frame.");
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
