// Many numbers at once: a picture with a pixel for each, and the number one points at in words.

const within = (i, n) => Math.min(Math.max(i, 0), n - 1);
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const shades = new Map();                                 // signed -> 256 colours from one end of the scale to the other

function shadesOf(signed) {
  if (!shades.has(signed)) {
    shades.set(signed, Array.from({ length: 256 }, (_, i) => scaleColor(signed ? i / 127.5 - 1 : i / 255, 1, signed)));
  }
  return shades.get(signed);
}

/** Paint values (rows × columns, in one array) into a canvas, a pixel for each; NaN stays empty. */
export function paint(canvas, values, rows, columns, { top, signed }) {
  canvas.width = columns;
  canvas.height = rows;
  const [picture, colors] = [new ImageData(columns, rows), shadesOf(signed)];
  for (let i = 0; i < values.length; i += 1) {
    if (Number.isNaN(values[i])) continue;
    const share = Math.min(Math.max(signed ? values[i] / top / 2 + 0.5 : values[i] / top, 0), 1);
    const color = colors[Math.round(255 * share)];
    for (let j = 0; j < 3; j += 1) picture.data[4 * i + j] = color[j];
    picture.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** The root of the mean square. */
export function rms(values) { return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length); }

/** A picture of numbers under its name and shape; `say(row, column, value)` puts the one that is meant into words. */
export function strip(name, say = (row, column, value) => numberText(value, 3)) {
  const caption = h("p", { className: "ml-caption" });
  const output = h("output", { className: "ml-sum", "aria-live": "off" });
  const canvas = h("canvas", { className: "ml-strip", tabIndex: 0, role: "img", "data-lm-suppress-shortcuts": "true" });
  const el = h("div", { className: "ml-stripbox" }, caption, canvas, output);
  let [at, shown] = [[0, 0], null];
  const tell = (row, column) => {
    at = [within(row, shown.rows), within(column, shown.columns)];
    output.textContent = say(...at, shown.values[at[0] * shown.columns + at[1]]);
  };
  canvas.addEventListener("focus", () => output.setAttribute("aria-live", "polite"));    // else it would never be silent
  canvas.addEventListener("blur", () => output.setAttribute("aria-live", "off"));
  canvas.addEventListener("keydown", (e) => {
    const move = STEPS[e.key];
    if (!move) return;
    e.preventDefault();
    tell(at[0] + move[0], at[1] + move[1]);
  });
  for (const event of ["pointermove", "pointerdown"]) {
    canvas.addEventListener(event, (e) => {
      const box = canvas.getBoundingClientRect();
      tell(Math.floor((e.clientY - box.top) / box.height * shown.rows),
        Math.floor((e.clientX - box.left) / box.width * shown.columns));
    });
  }
  return { el, set({ values, rows, columns, dims, signed = true, top }) {
    shown = { values, rows, columns };
    const known = [...values].filter((x) => !Number.isNaN(x));
    paint(canvas, values, rows, columns, { signed, top: top ?? Math.max(...known.map(Math.abs), 1e-9) });
    canvas.style.height = `${Math.max(rows * 0.85, 1.1)}rem`;
    caption.replaceChildren(h("b", {}, name), ` ${dims} = ${rows}×${columns}`);
    const range = [Math.min(...known), Math.max(...known)].map((x) => numberText(x)).join(" to ");
    canvas.setAttribute("aria-label", `${name}: ${known.length} numbers from ${range}`);
    tell(...at);
  } };
}
