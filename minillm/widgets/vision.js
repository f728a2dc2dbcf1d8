// A vision tower on plain arrays: an image's patches, a class token, blocks in which every patch sees every other.

/** y = W x + b, W as rows one after the other. */
function affine({ W, b }, x) {
  return Float32Array.from(b ?? { length: W.length / x.length }, (shift, i) => {
    let sum = b ? shift : 0;
    for (let j = 0, at = i * x.length; j < x.length; j += 1) sum += W[at + j] * x[j];
    return sum;
  });
}

function layerNorm({ W, b }, x, eps) {
  const mean = x.reduce((a, v) => a + v, 0) / x.length;
  const scale = 1 / Math.sqrt(x.reduce((a, v) => a + (v - mean) ** 2, 0) / x.length + eps);
  return x.map((v, i) => (v - mean) * scale * W[i] + b[i]);
}

/** Rows of all vectors after attention, and each head's weights of the row asked for: heads × rows. */
function attendAll(part, rows, heads) {
  const [q, k, v] = ["q", "k", "v"].map((letter) => rows.map((x) => affine(part(`attention.W_${letter}`), x)));
  const width = q[0].length / heads;
  const seen = [];
  const mixed = rows.map((_, t) => {
    const out = new Float32Array(q[0].length);
    for (let h = 0; h < heads; h += 1) {
      const weights = toProbabilities(Float32Array.from(k, (key) => dotAt(q[t], h * width, key, h * width, width) / Math.sqrt(width)));
      if (t === 0) seen.push(weights);
      for (let i = h * width; i < (h + 1) * width; i += 1) out[i] = weights.reduce((sum, w, s) => sum + w * v[s][i], 0);
    }
    return out;
  });
  return { out: mixed.map((x) => affine(part("attention.W_o"), x)), seen };
}

/** The patches of pixels (channels × side × side, in one array), row by row, each as one array. */
export function cutPatches(pixels, { channels, image_size: side, patch_size: P }) {
  const n = side / P;
  return Array.from({ length: n * n }, (_, k) => Float32Array.from({ length: channels * P * P }, (__, i) => {
    const [c, r, s] = [Math.floor(i / P / P), Math.floor(i / P) % P, i % P];
    return pixels[c * side * side + (Math.floor(k / n) * P + r) * side + (k % n) * P + s];
  }));
}

/** A tower from the tensors named `name`…; `see(pixels)` gives its vectors, the class token first, and for each layer the
 *  class token's weights (heads × 1 + patches). As VisionTower in minillm.models.vit. */
export function makeTower(tensors, config, name) {
  const part = (key) => ({ W: tensors[`${name}.${key}.weight`].data, b: tensors[`${name}.${key}.bias`]?.data });
  const [token, table, patches] = [tensors[`${name}.class_token`].data, part("positions.table").W, part("patches")];
  const D = token.length;
  return { see(pixels) {
    const cut = cutPatches(pixels, config).map((x) => affine(patches, x));
    let rows = [token, ...cut].map((x, t) => x.map((v, i) => v + table[t * D + i]));
    const looks = [];
    for (let i = 0; i < config.n_layers; i += 1) {
      const own = (key) => part(`layers.${i}.${key}`);
      const norm = (key) => rows.map((x) => layerNorm(own(key), x, config.norm_eps));
      const add = (more) => { rows = rows.map((x, t) => x.map((v, j) => v + more[t][j])); };
      const { out, seen } = attendAll(own, norm("norm_attention"), config.n_heads);
      looks.push(seen);
      add(out);
      add(norm("norm_ffn").map((x) => affine(own("ffn.W_down"), affine(own("ffn.W_up"), x).map(gelu))));
    }
    return { rows: rows.map((x) => layerNorm(part("norm"), x, config.norm_eps)), looks };
  } };
}

/** Tensors from a safetensors file in base64. */
export function tensorsOf(base64) {
  return readSafetensors(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer).tensors;
}
