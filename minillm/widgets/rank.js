// A matrix, the matrix of rank r that is nearest to it, and what is left over.

/** The sum of the first r terms s u vᵀ, row by row in one array. As best_rank in minillm.widgets.rank. */
export function bestRank({ U, S, V }, r) {
  const [rows, columns] = [U.length, V.length];
  return Array.from({ length: rows * columns }, (_, i) => {
    const [u, v] = [U[Math.floor(i / columns)], V[i % columns]];
    return S.slice(0, r).reduce((sum, s, k) => sum + s * u[k] * v[k], 0);
  });
}

/** What rank r leaves of the size of the matrix: the root of the squares of the other singular values. */
export function leftOver(S, r) {
  const squares = (values) => values.reduce((sum, s) => sum + s * s, 0);
  return Math.sqrt(squares(S.slice(r)) / squares(S));
}

function render({ model, el }) {
  const matrices = model.get("matrices");
  const names = Object.keys(matrices);
  const n = matrices[names[0]].S.length;
  const strips = ["matrix", "rank r", "left over"].map((name) => strip(name, (row, column, value) => `row ${row}, column ${column}: ${numberText(value, 3)}`));
  const values = chart({ x: [0.3, n + 0.7], y: [0, 1], names: ["number of the singular value", "singular value"] });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "rank", label: "A matrix and its best low rank", draw,
    parts: [h("div", { className: "ml-planes" }, ...strips.map((s) => s.el)), values.el, read], controls: {
      matrix: (tell) => choice("matrix", names.map((name) => [name, name]), tell), rank: (tell) => slider("rank", { min: 0, max: n }, tell) } });

  function draw({ matrix, rank }) {
    const factors = matrices[matrix];
    const [rows, columns] = [factors.U.length, factors.V.length];
    const whole = bestRank(factors, n);
    const near = bestRank(factors, rank);
    const top = Math.max(...whole.map(Math.abs));
    [whole, near, whole.map((x, i) => x - near[i])].forEach((numbers, i) => strips[i].set({ values: numbers, rows, columns, dims: "m×n", top }));
    values.range({ y: [0, factors.S[0] * 1.05] });
    const rate = leftOver(factors.S, rank);
    values.set(`${n} singular values from ${numberText(factors.S[0])} to ${numberText(factors.S.at(-1))}; ${rank} are kept`, factors.S.map((s, i) => {
      const [[x0, y], [x1, base]] = [values.at([i + 0.65, s]), values.at([i + 1.35, 0])];
      return svg("rect", { class: i < rank ? "ml-fill ml-query" : "ml-fill ml-rest", x: x0, width: x1 - x0, y, height: Math.max(base - y, 0) });
    }));
    const numbers = rank * (rows + columns);
    read.replaceChildren(`Rank ${rank} takes `, h("b", { "data-number": "numbers" }, String(numbers)), ` of ${rows * columns} numbers, and misses `,
      h("b", { "data-number": "left" }, `${numberText(100 * rate, 1)}%`), " of the size of the matrix. ", numbers >= rows * columns && rank < n ? "At this rank two thin matrices hold no fewer numbers than the whole."
        : rate < 0.05 ? "Little is left over." : rank === 0 ? "Nothing is kept yet." : "What is left over shows in the third picture.");
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
