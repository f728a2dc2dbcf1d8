// Who holds what when several devices train one model: bars for each device, from the numbers that Python counted.

const KINDS_HELD = [["weights", 4, "query"], ["gradients", 4, "key"], ["AdamW's two means", 8, "value"]];   // bytes a weight
const [TALL, SHOWN] = [150, 8];                            // of the picture; devices that are drawn

/** Bytes of weights, gradients and states for so many weights. As held_bytes in minillm.widgets.holders. */
export function heldBytes(weights) { return KINDS_HELD.map(([, bytes]) => bytes * weights); }

/** `124 MB`, `1.99 GB`, `2.24 TB`. As bytes_text in minillm.widgets.holders. */
export function bytesText(n) {
  const [unit, size] = n >= 1e12 ? ["TB", 1e12] : n >= 1e9 ? ["GB", 1e9] : ["MB", 1e6];
  return `${numberText(n / size, n / size >= 99.95 ? 0 : n / size >= 9.995 ? 1 : 2)} ${unit}`;
}

function render({ model, el }) {
  const [held, ways, card] = ["held", "ways", "card"].map((key) => model.get(key));
  const names = Object.keys(held);
  const picture = svg("svg", { viewBox: `0 0 400 ${TALL + 34}`, role: "img", class: "ml-timeline" });
  const caption = h("p", { className: "ml-caption" });
  const rows = h("tbody");
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "holders", label: "Who holds what", draw, parts: [caption, picture, read,
    h("div", { className: "ml-scroll" }, h("table", { className: "ml-table" }, h("thead", {}, h("tr", {}, ...["way", "fullest device", "all devices", "fits"].map((t) => h("th", { scope: "col" }, t)))), rows))],
  controls: { of: (tell) => choice("model", names.map((n) => [n, n]), tell),
    way: (tell) => choice("divided by", Object.keys(ways).map((n) => [n, n]), tell),
    power: (tell) => slider("devices", { min: 0, max: 6, format: (v) => String(2 ** v) }, tell) } });

  function draw({ of, way, power }) {
    const n = 2 ** power;
    const weights = held[of][way][power];                  // of each device, or null where nothing divides evenly
    const top = Math.max(card * 1.15, 16 * (weights ? Math.max(...weights) : 0));
    const y = (bytes) => 16 + TALL * (1 - bytes / top);
    const drawn = (weights ?? []).slice(0, SHOWN);
    const wide = 396 / Math.max(drawn.length, 2);
    caption.replaceChildren(h("b", {}, "bytes held"), ` devices ${n}${n > SHOWN ? `, the first ${SHOWN} drawn` : ""}; the dashed line is a card of ${bytesText(card)}`);
    picture.setAttribute("aria-label", weights ? drawn.map((w, i) => `device ${i}: ${bytesText(16 * w)}`).join("; ") : "this model is not divided so");
    picture.replaceChildren(...drawn.flatMap((w, i) => {
      let below = 0;
      const x = 2 + i * wide + 3;
      return [...KINDS_HELD.map(([, bytes, kind]) => {
        const bar = svg("rect", { class: `ml-fill ml-${kind}`, x, width: wide - 8, y: y(below + bytes * w), height: Math.max(y(below) - y(below + bytes * w), 0) });
        below += bytes * w;
        return bar;
      }), svg("text", { class: "ml-tick", x: x + (wide - 8) / 2, y: TALL + 28, "text-anchor": "middle" }, String(i)),
      svg("text", { class: "ml-tick", x: x + (wide - 8) / 2, y: Math.max(y(16 * w) - 3, 10), "text-anchor": "middle" }, bytesText(16 * w))];
    }), svg("path", { class: "ml-limit", d: `M0 ${y(card)}H400` }));
    const most = weights && Math.max(...weights);
    read.replaceChildren(...(weights ? [`The fullest of ${n} ${n === 1 ? "device holds " : "devices holds "}`, h("b", { "data-number": "most" }, bytesText(16 * most)), ": ",
      ...KINDS_HELD.flatMap(([name, , kind], i) => [i ? ", " : "", h("b", { className: `ml-name ml-${kind}` }, name), ` ${bytesText(heldBytes(most)[i])}`]),
      `. It ${16 * most <= card ? "fits" : "does not fit"} on the card, before a single activation. ${ways[way]}`]
      : [h("b", { "data-number": "most" }, "not possible"), `: ${of} cannot be divided ${n} ways like this. ${ways[way]}`]));
    rows.replaceChildren(...Object.keys(ways).map((name) => {
      const all = held[of][name][power];
      const total = all && all.reduce((a, b) => a + b, 0) * 16;
      return h("tr", { "data-on": name === way }, h("td", {}, name), ...(all ? [bytesText(16 * Math.max(...all)), bytesText(total), 16 * Math.max(...all) <= card ? "yes" : "no"] : ["–", "–", "–"]).map((t) => h("td", {}, t)));
    }));
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
