// The size of stream and gradient along a stack of blocks, for each setting of its switches; Python has computed all.

/** The name under which Python has kept a stack. */
export function stackKey({ norm, residual, scale }) { return `${norm} ${residual} ${scale}`; }

/** A number of any size, for the eye: `41.30`, `1.2e−4`. As power_text in minillm.widgets.depth. */
export function powerText(x) {
  return x >= 0.01 && x < 1000 ? numberText(x) : x.toExponential(1).replace("+", "").replace("-", "−");
}

function render({ model, el }) {
  const stacks = model.get("stacks");
  const depth = Object.values(stacks)[0][0].length - 1;
  const pictures = ["size of the stream", "size of the gradient"].map((name) => chart({ x: [0, depth], y: [0.1, 10], names: ["blocks passed", name], logY: true }));
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "depth", label: "Norm and residual connection", draw,
    parts: [h("div", { className: "ml-twocharts" }, ...pictures.map((p) => p.el)), read], controls: {
      norm: (tell) => choice("norm", [["none", "none"], ["before", "before each layer"], ["after", "after each layer"]], tell),
      residual: (tell) => toggle("residual", tell),
      scale: (tell) => choice("initial weights", [[0.5, "half as large"], [1, "as usual"], [2, "twice as large"]], (v) => tell(Number(v))),
      block: (tell) => slider("look at block", { min: 0, max: depth }, tell) } });

  function draw({ block, ...switches }) {
    const key = stackKey(switches);
    const others = Object.keys(stacks).filter((name) => name !== key && name.endsWith(` ${switches.scale}`));
    pictures.forEach((picture, i) => {
      const [low, high] = [Math.min(0.1, ...stacks[key][i]), Math.max(10, ...stacks[key][i])];
      picture.range({ y: [low, high] });
      const line = (name, kind) => svg("path", { class: kind, d: picture.path(stacks[name][i].map((size, b) => [b, size]).filter(([, size]) => size >= low && size <= high)) });
      const [cx, cy] = picture.at([block, stacks[key][i][block]]);
      picture.set(`${i ? "gradient" : "stream"}: ${powerText(stacks[key][i][0])} before the first block, ${powerText(stacks[key][i].at(-1))} after the last`,
        others.map((name) => line(name, "ml-stroke ml-thin")), line(key, `ml-stroke ml-${i ? "key" : "query"}`), svg("circle", { class: "ml-dot", cx, cy, r: 5 }));
    });
    const [stream, gradient] = stacks[key];
    const [end, first] = [stream.at(-1), gradient[0]];
    const verdict = first < 1e-3 ? "The gradient vanishes on its way to the first block, so the first blocks learn nothing."
      : first > 1e3 || end > 1e3 ? "What passes grows from block to block, and in 16 bits it would overflow before long."
        : "Stream and gradient both arrive in a usable size.";
    read.replaceChildren(`After ${block} of ${depth} blocks the stream has the size `, h("b", { "data-number": "stream" }, powerText(stream[block])),
      ", and the gradient there ", h("b", { "data-number": "gradient" }, powerText(gradient[block])), `. ${verdict} Thin: the other five stacks.`);
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
