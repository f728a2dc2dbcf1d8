// A square piece of the plane with its axes, in which one thing may be moved by hand.

const SIDE = 200;
const NUDGES = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** The plane from −reach to reach. `move(x, y)`, if given, hears where the pointer is dragged, and `place()` tells the
 *  arrow keys where to move from. Returns { el, at, set }: `at` turns a point into where it is drawn. */
export function plane(reach, move, place) {
  const at = ([x, y]) => [SIDE / 2 * (1 + x / reach), SIDE / 2 * (1 - y / reach)];
  const things = svg("g");
  const el = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "ml-plane", role: "img" },
    svg("path", { class: "ml-axis", d: `M0 ${SIDE / 2}H${SIDE}M${SIDE / 2} 0V${SIDE}` }), things);
  if (move) {
    const go = (e) => {
      const box = el.getBoundingClientRect();
      move((2 * (e.clientX - box.left) / box.width - 1) * reach, (1 - 2 * (e.clientY - box.top) / box.height) * reach);
    };
    fill(el, { tabindex: 0, "data-lm-suppress-shortcuts": "true", "data-moves": true, onpointerdown: (e) => { el.setPointerCapture(e.pointerId); go(e); },
      onpointermove: (e) => { if (e.buttons) go(e); }, onkeydown: (e) => {
        const by = NUDGES[e.key];
        if (!by) return;
        e.preventDefault();
        const [x, y] = place();
        move(x + by[0] / 10, y + by[1] / 10);
      } }, []);
  }
  return { el, at, set(label, ...parts) { el.setAttribute("aria-label", label); things.replaceChildren(...parts.flat(Infinity)); } };
}

/** Where the names of points stand: beside, above or below each, where they meet no other name or mark and no edge. */
export function placeNames(points, names) {
  const boxes = points.map(([x, y]) => [x - 6, y - 6, x + 6, y + 6]);
  const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  return points.map(([x, y], i) => {
    const wide = names[i].length * 7.6;
    const spots = [[x + 10, y + 5], [x - 10 - wide, y + 5], [x - wide / 2, y - 11], [x - wide / 2, y + 20], [x + 8, y - 11], [x + 8, y + 20],
      [x - 8 - wide, y - 11], [x - 8 - wide, y + 20]].map(([left, base]) => [left, base - 11, left + wide, base + 2]);
    const best = spots.find((spot) => spot[0] > 0 && spot[1] > 0 && spot[2] < SIDE && spot[3] < SIDE && !boxes.some((box, j) => j !== i && meets(box, spot))) ?? spots[0];
    boxes.push(best);
    return svg("text", { x: best[0], y: best[3] - 2, class: "ml-label" }, names[i]);
  });
}
