// The small model of the attention widget: its weights from safetensors, its forward pass on plain arrays.

function halfToFloat(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return exponent === 31 ? (fraction ? NaN : sign * Infinity) : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Cut a flat array into rows. */
function rowsOf(flat, width) {
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}

/** A safetensors file in base64 -> { tensors, sizes, words }. Matrices come as arrays of rows. */
export function readWeights(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const { __metadata__: meta, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = Object.fromEntries(Object.entries(entries).map(([name, { shape, data_offsets: [from, to] }]) => {
    const at = (i) => view.getUint16(start + from + 2 * i, true);
    const flat = Array.from({ length: (to - from) / 2 }, (_, i) => halfToFloat(at(i)));
    return [name, shape.length === 2 ? rowsOf(flat, shape[1]) : flat];
  }));
  return { tensors, sizes: JSON.parse(meta.sizes), words: JSON.parse(meta.vocabulary) };
}

/** Words and signs in small letters; an unknown one gets the id 0. */
export function tokenize(text, words) {
  const found = text.toLowerCase().match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  return found.map((word) => ({ word, id: Math.max(words.indexOf(word), 0) }));
}

const product = (W, x) => W.map((row) => dot(row, x));
const sum = (a, b) => a.map((x, i) => x + b[i]);
const silu = (x) => x / (1 + Math.exp(-x));

function rmsNorm(x, gain) {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + 1e-5);
  return x.map((v, i) => v * scale * gain[i]);
}

export function softmax(row) {
  const top = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / total);
}

/** One head: q k v (T, Dh) -> scores, masked, weights (T, T) and output (T, Dh). */
export function attendHead(q, k, v, { causal = true, temperature = 1 } = {}) {
  const scores = q.map((a) => k.map((b) => dot(a, b) / Math.sqrt(a.length)));
  const masked = scores.map((row, t) => row.map((x, s) => (causal && s > t ? -Infinity : x)));
  const weights = masked.map((row) => softmax(row.map((x) => x / temperature)));
  const output = weights.map((row) => v[0].map((_, d) => row.reduce((total, w, s) => total + w * v[s][d], 0)));
  return { q, k, v, scores, masked, weights, output };
}

/** All heads of one layer on the stream x (T, D); `change` alters the mask or temperature of one of them. */
function attention(x, tensors, name, sizes, change) {
  const width = sizes.d_model / sizes.n_heads;
  const project = (letter) => x.map((row) => product(tensors[`${name}.W_${letter}.weight`], row));
  const [q, k, v] = ["q", "k", "v"].map(project);
  const heads = Array.from({ length: sizes.n_heads }, (_, i) => {
    const part = (rows) => rows.map((row) => row.slice(i * width, (i + 1) * width));
    const turned = (rows) => part(rows).map((row, t) => rotate(row, t, sizes.base, "half"));
    return attendHead(turned(q), turned(k), part(v), i === change?.head ? change : {});
  });
  const joined = x.map((_, t) => heads.flatMap((head) => head.output[t]));
  return { heads, out: joined.map((row) => product(tensors[`${name}.W_o.weight`], row)) };
}

function feedForward(x, tensors, name) {
  const gate = product(tensors[`${name}.W_gate.weight`], x).map(silu);
  const up = product(tensors[`${name}.W_up.weight`], x);
  return product(tensors[`${name}.W_down.weight`], gate.map((g, i) => g * up[i]));
}

/** ids -> { logits (T, V), layers: heads with every intermediate }. `change` = { layer, head, causal, temperature }. */
export function forward({ tensors, sizes }, ids, change = {}) {
  let x = ids.map((id) => tensors["embed.weight"][id]);
  const layers = [];
  for (let i = 0; i < sizes.n_layers; i += 1) {
    const name = `layers.${i}`;
    const normed = x.map((row) => rmsNorm(row, tensors[`${name}.norm_attention.weight`]));
    const { heads, out } = attention(normed, tensors, `${name}.attention`, sizes, change.layer === i ? change : undefined);
    layers.push(heads);
    x = x.map((row, t) => sum(row, out[t]));
    const gain = tensors[`${name}.norm_ffn.weight`];
    x = x.map((row) => sum(row, feedForward(rmsNorm(row, gain), tensors, `${name}.ffn`)));
  }
  const logits = x.map((row) => product(tensors["embed.weight"], rmsNorm(row, tensors["norm.weight"])));
  return { logits, layers };
}
