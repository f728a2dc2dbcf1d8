// Rotary positions (RoPE) on plain arrays; the same numbers as minillm.layers.position.

/** θ_j = base^(−2j / Dh), the angle by which pair j turns from one position to the next. */
export function frequencies(dHead, base) {
  return Array.from({ length: dHead / 2 }, (_, j) => base ** (-2 * j / dHead));
}

/** How many positions pair j needs for one full turn. */
export function wavelengths(dHead, base) {
  return frequencies(dHead, base).map((theta) => 2 * Math.PI / theta);
}

/** The two dimensions of each pair: `half` joins j with j + Dh/2, `interleaved` joins 2j with 2j + 1. */
export function pairs(dHead, pairing) {
  return Array.from({ length: dHead / 2 }, (_, j) => (pairing === "half" ? [j, j + dHead / 2] : [2 * j, 2 * j + 1]));
}

/** The vector x as it stands at a position. */
export function rotate(x, position, base, pairing) {
  const turned = [...x];
  const theta = frequencies(x.length, base);
  pairs(x.length, pairing).forEach(([a, b], j) => {
    const cos = Math.cos(position * theta[j]);
    const sin = Math.sin(position * theta[j]);
    turned[a] = x[a] * cos - x[b] * sin;
    turned[b] = x[b] * cos + x[a] * sin;
  });
  return turned;
}

export function dot(a, b) {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}
