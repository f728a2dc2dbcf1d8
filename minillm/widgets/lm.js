// The decoder of minillm.models.decoder on typed arrays: a safetensors file in, logits out, one token at a time.
// Every array has a name, and whoever passes `see` meets it before it is used.

/** 16-bit floats as 32-bit ones; `brain` for bfloat16. */
function widen(half, brain) {
  const bits = new Uint32Array(half.length);
  const out = new Float32Array(bits.buffer);
  for (let i = 0; i < half.length; i += 1) {
    const x = half[i];
    const exponent = (x >> 10) & 31;
    if (brain) bits[i] = x << 16;
    else if (exponent === 0) out[i] = (x & 0x8000 ? -1 : 1) * (x & 1023) * 2 ** -24;
    else bits[i] = ((x & 0x8000) << 16) | ((exponent === 31 ? 255 : exponent + 112) << 23) | ((x & 1023) << 13);
  }
  return out;
}

const READ = {
  F32: (b) => new Float32Array(b), F16: (b) => widen(new Uint16Array(b), false),
  BF16: (b) => widen(new Uint16Array(b), true), U8: (b) => new Uint8Array(b),
};

/** A safetensors file -> { tensors: name -> { shape, data }, meta }; floats come as Float32Array. */
export function readSafetensors(buffer) {
  const start = 8 + Number(new DataView(buffer).getBigUint64(0, true));
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  const { __metadata__: meta = {}, ...entries } = head;
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries)) {
    if (!READ[dtype]) throw new Error(`tensor ${name} is of type ${dtype}; save it as one of ${Object.keys(READ)}`);
    tensors[name] = { shape, data: READ[dtype](buffer.slice(start + from, start + to)) };
  }
  return { tensors: writtenOut(tensors), meta };
}

/** Codes of 8 bits with scales, as minillm.quant keeps them, become the weights that they stand for. */
function writtenOut(tensors) {
  const out = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const layer = name.replace(/\.codes$/, "");
    if (layer === name) { if (!/\.(scales|zeros)$/.test(name)) out[name] = tensor; continue; }
    const [scales, zeros] = [tensors[`${layer}.scales`], tensors[`${layer}.zeros`]?.data];
    const size = tensor.data.length / scales.data.length;
    if (size % 1 || tensors[`${layer}.columns`]) throw new Error(`${layer} is quantized in another way than "int8"`);
    const data = new Float32Array(tensor.data.length);
    for (let group = 0, i = 0; group < scales.data.length; group += 1) {
      const [scale, zero] = [scales.data[group], zeros ? zeros[group] : 128];
      for (const end = (group + 1) * size; i < end; i += 1) data[i] = (tensor.data[i] - zero) * scale;
    }
    out[`${layer}.weight`] = { shape: tensor.shape, data };
  }
  return out;
}

// The product of a matrix and a vector in WebAssembly, four floats at once and four rows at a time. Chapter 80 writes it
// down instruction by instruction and assembles these bytes.
const KERNEL = "AGFzbQEAAAABCQFgBX9/f39/AAIIAQFlAW0CAAEDAgEABwUBAWYAAArLAgHIAgIEfwV7A0AgACAEaiEGIAYgBGohByAHIARqIQhD"
  + "AAAAAP0TIQlDAAAAAP0TIQpDAAAAAP0TIQtDAAAAAP0TIQwgASEFA0AgBf0ABAAhDSAJIAD9AAQAIA395gH95AEhCSAAQRBqIQAg"
  + "CiAG/QAEACAN/eYB/eQBIQogBkEQaiEGIAsgB/0ABAAgDf3mAf3kASELIAdBEGohByAMIAj9AAQAIA395gH95AEhDCAIQRBqIQgg"
  + "BUEQaiEFIAUgASAEakkNAAsgAiAJ/R8AIAn9HwGSIAn9HwKSIAn9HwOSOAIAIAIgCv0fACAK/R8BkiAK/R8CkiAK/R8DkjgCBCAC"
  + "IAv9HwAgC/0fAZIgC/0fApIgC/0fA5I4AgggAiAM/R8AIAz9HwGSIAz9HwKSIAz9HwOSOAIMIAghACACQRBqIQIgAiADSQ0ACws=";

/** The assembled product on a memory, or null where the browser has no WebAssembly with vectors. */
function startKernel(memory) {
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL), (c) => c.charCodeAt(0)));
    return new WebAssembly.Instance(module, { e: { m: memory } }).exports.f;
  } catch { return null; }
}

const upTo4 = (n) => Math.ceil(n / 4) * 4;

/** All matrices of a model in one memory, filled up with zeros to multiples of four, and the product W x + bias. */
function makeProducts(tensors, plain) {
  const shapes = Object.values(tensors).map((t) => t.shape).filter((shape) => shape.length === 2);
  const [tall, wide] = [0, 1].map((i) => Math.max(...shapes.map((shape) => upTo4(shape[i]))));
  const size = shapes.reduce((sum, [rows, n]) => sum + upTo4(rows) * upTo4(n), tall + wide);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(size * 4 / 65536) });
  const kernel = plain ? null : startKernel(memory);
  let used = 0;
  const take = (n) => new Float32Array(memory.buffer, ((used += n) - n) * 4, n);
  const [input, output] = [take(wide), take(tall)];
  const place = ({ shape: [rows, n], data }) => {
    const stride = upTo4(n);
    const W = take(upTo4(rows) * stride);
    for (let r = 0; r < rows; r += 1) W.set(data.subarray(r * n, r * n + n), r * stride);
    return { rows, n, stride, W };
  };
  const multiply = ({ W, rows, n, stride, bias }, x, y) => {
    if (kernel) {
      input.set(x);
      input.fill(0, n, stride);
      kernel(W.byteOffset, input.byteOffset, output.byteOffset, output.byteOffset + upTo4(rows) * 4, stride * 4);
      y.set(output.subarray(0, rows));
    } else multiplyPlain(W, x, y, rows, n, stride);
    if (bias) for (let i = 0; i < rows; i += 1) y[i] += bias[i];
    return y;
  };
  return { place, multiply };
}

function multiplyPlain(W, x, y, rows, n, stride) {
  for (let r = 0; r < rows; r += 1) {
    let sum = 0;
    for (let i = 0, at = r * stride; i < n; i += 1) sum += W[at + i] * x[i];
    y[r] = sum;
  }
}

/** The product of n elements of x from `at` on and of y from `from` on, in four sums that do not wait for each other. */
function dotAt(x, at, y, from, n) {
  let a = 0, b = 0, c = 0, d = 0, i = 0;
  for (; i + 3 < n; i += 4) {
    a += x[at + i] * y[from + i];
    b += x[at + i + 1] * y[from + i + 1];
    c += x[at + i + 2] * y[from + i + 2];
    d += x[at + i + 3] * y[from + i + 3];
  }
  for (; i < n; i += 1) a += x[at + i] * y[from + i];
  return a + b + (c + d);
}

/** One head's output: the sum of the values of the tokens from `first` to S, weighted; four dimensions at a time. */
function weighted(weights, values, row, S, first, own, width, Dh, out, at) {
  let i = 0;
  for (; i + 3 < Dh; i += 4) {
    let a = 0, b = 0, c = 0, d = 0;
    for (let s = first, from = first * width + own + i; s < S; s += 1, from += width) {
      const w = weights[row + s];
      a += w * values[from];
      b += w * values[from + 1];
      c += w * values[from + 2];
      d += w * values[from + 3];
    }
    out[at + i] = a;
    out[at + i + 1] = b;
    out[at + i + 2] = c;
    out[at + i + 3] = d;
  }
  for (; i < Dh; i += 1) {
    let a = 0;
    for (let s = first; s < S; s += 1) a += weights[row + s] * values[s * width + own + i];
    out[at + i] = a;
  }
}

/** Probabilities in place; −Infinity becomes 0. `more` is one score whose share is lost (a learned sink). */
function toProbabilities(x, more = -Infinity) {
  let top = more;
  for (let i = 0; i < x.length; i += 1) if (x[i] > top) top = x[i];
  let total = Math.exp(more - top);
  for (let i = 0; i < x.length; i += 1) total += x[i] = Math.exp(x[i] - top);
  for (let i = 0; i < x.length; i += 1) x[i] /= total;
  return x;
}

/** The error function to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26). */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const silu = (x) => x * sigmoid(x);
const gelu = (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
const geluTanh = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const clip = (x, low, high) => Math.min(Math.max(x, low), high);
const FFN = {                                        // [activation, how the gate meets the plain numbers, if it has one]
  relu: [(x) => Math.max(x, 0)], gelu: [gelu], gelu_tanh: [geluTanh], swiglu: [silu, (g, u) => g * u],
  geglu: [gelu, (g, u) => g * u], geglu_tanh: [geluTanh, (g, u) => g * u],
  swiglu_clamped: [(x) => Math.min(x, 7) * sigmoid(1.702 * Math.min(x, 7)), (g, u) => g * (clip(u, -7, 7) + 1)],
};

/** The frequencies of the rotation, stretched as the config says; and the factor on what is rotated. */
function rotation(c, local, width) {
  const own = local && c.rope_local_base != null;
  const [base, kind] = [own ? c.rope_local_base : c.rope_base, own ? "none" : c.rope_scaling];
  const [factor, trained] = [c.rope_factor, c.rope_trained ?? 1];
  const edge = (turns) => width * Math.log(trained / (turns * 2 * Math.PI)) / (2 * Math.log(c.rope_base));
  let [first, last] = [edge(c.rope_fast ?? 32), edge(c.rope_slow)];
  if (c.rope_whole) [first, last] = [Math.floor(first), Math.ceil(last)];
  [first, last] = [Math.max(first, 0), Math.min(last, width - 1)];
  const stay = {
    none: () => 1, linear: () => 0,
    llama3: (f) => clip((trained * f / (2 * Math.PI) - c.rope_slow) / ((c.rope_fast ?? 4) - c.rope_slow), 0, 1),
    yarn: (f, i) => 1 - clip((i - first) / Math.max(last - first, 0.001), 0, 1),
  }[kind];
  const freqs = Float32Array.from({ length: width / 2 }, (_, i) => {
    const f = base ** (-2 * i / width);
    return f * (stay(f, i) + (1 - stay(f, i)) / factor);
  });
  const natural = kind === "yarn" && factor > 1 ? 0.1 * Math.log(factor) + 1 : 1;
  return { freqs, amplitude: own ? 1 : c.rope_amplitude ?? natural };
}

/** Slopes of ALiBi: powers of 2^(−8/n), filled up from the next power of two. */
function slopes(n) {
  const whole = 2 ** Math.floor(Math.log2(n));
  const powers = (m) => Array.from({ length: m }, (_, i) => 2 ** (-8 * (i + 1) / m));
  return [...powers(whole), ...powers(2 * whole).filter((_, i) => i % 2 === 0).slice(0, n - whole)];
}

/** The k largest of the scores, best first; the lower number of equals. */
function largest(scores, k) {
  return [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k);
}

/** A decoder for a ModelConfig and the tensors of a state dict. Throws for other parts.
 *  `plain` multiplies in JavaScript, also where there are vectors. */
export class Decoder {
  constructor(config, tensors, { plain = false } = {}) {
    const c = this.config = config;
    const odd = Object.keys(c).find((k) => c[k] && /rope_dim|logit_|head_b|lat|aft|par|N/.test(k + c[k]));
    if (odd) throw new Error(`${odd}=${c[odd]} does not run in the page`);
    this.tensors = tensors;
    this.products = makeProducts(tensors, plain);
    this.dHead = c.head_dim ?? c.d_model / c.n_heads;
    this.nKv = c.n_kv_heads ?? c.n_heads;
    this.scale = c.score_scale ?? 1 / Math.sqrt(this.dHead);
    this.slopes = c.pos_encoding === "alibi" ? slopes(c.n_heads) : null;
    this.buffers = new Map();
    this.layers = Array.from({ length: c.n_layers }, (_, i) => this.block(i));
    this.table = this.matrix("embed");
    this.head = c.tie_embeddings ? this.table : this.matrix("head");
    this.final = c.norm_position === "post" ? null : this.norm("norm");
  }

  tensor(name) {
    if (!this.tensors[name]) throw new Error(`the file has no tensor ${name}; does it belong to this config?`);
    return this.tensors[name];
  }

  matrix(name) {
    return { name, ...this.products.place(this.tensor(`${name}.weight`)), bias: this.tensors[`${name}.bias`]?.data };
  }

  norm(name) {
    const { norm_type: kind, norm_eps: eps } = this.config;
    const gain = this.tensor(`${name}.weight`).data;
    return { name, eps, centred: kind[0] === "l", bias: this.tensors[`${name}.bias`]?.data,
      gain: /plus/.test(kind) ? gain.map((g) => 1 + g) : gain };
  }

  block(i) {
    const [c, name] = [this.config, `layers.${i}`];
    const local = c.layer_pattern[i % c.layer_pattern.length] === "L";
    const at = `${name}.attention`;
    const [q, k, v, out] = ["q", "k", "v", "o"].map((letter) => this.matrix(`${at}.W_${letter}`));
    const norms = c.qk_norm ? [this.norm(`${at}.q_norm`), this.norm(`${at}.k_norm`)] : [];
    return { name, q, k, v, out, norms, window: local && c.window ? c.window : Infinity,
      rotary: c.pos_encoding === "rope" ? rotation(c, local, this.dHead) : null,
      sinks: c.learned_sinks ? this.tensor(`${at}.attend.sinks`).data : null,
      normAttention: this.norm(`${name}.norm_attention`), normFfn: this.norm(`${name}.norm_ffn`),
      after: c.norm_position === "sandwich" ? ["attention", "ffn"].map((x) => this.norm(`${name}.after_${x}`)) : [],
      ffn: this.feedForward(`${name}.ffn`, c.use_moe && i >= c.dense_layers) };
  }

  feedForward(name, mixture) {
    const [activation, gated] = FFN[this.config.ffn_type];
    if (!mixture) {
      return { name, activation, gated, up: this.matrix(`${name}.W_up`), down: this.matrix(`${name}.W_down`),
        gate: gated && this.matrix(`${name}.W_gate`) };
    }
    const count = this.config.num_experts;
    return { name, router: this.matrix(`${name}.router.W_r`), balance: this.tensors[`${name}.router.balance`]?.data,
      experts: Array.from({ length: count }, (_, e) => this.feedForward(`${name}.experts.${e}`, false)),
      shared: this.config.shared_experts ? this.feedForward(`${name}.shared`, false) : null };
  }

  /** The buffer for what is called `name`: made once, written at each step. */
  buffer(name, size) {
    const found = this.buffers.get(name);
    if (found?.length === size) return found;
    const made = new Float32Array(size);
    this.buffers.set(name, made);
    return made;
  }

  /** Room for the rotated keys and the values of `maxLen` tokens; set `length` lower to forget the last ones. */
  newCache(maxLen = this.config.max_seq_len) {
    const rows = () => this.layers.map(() => new Float32Array(maxLen * this.nKv * this.dHead));
    return { length: 0, maxLen, k: rows(), v: rows() };
  }

  /** Add the tokens `ids` to the cache; the logits (V) after the last one, in a buffer that the next call rewrites.
   *  `see(name, values, shape)` is called for every array of every token and may change what it sees. */
  read(ids, cache, see = null) {
    ids.forEach((id, i) => this.step(id, cache, see, see !== null || i === ids.length - 1));
    return this.buffers.get("logits");
  }

  step(id, cache, see, wanted) {
    const c = this.config;
    const position = cache.length;
    if (!(id >= 0 && id < c.vocab_size)) throw new Error(`token ${id} is outside the vocabulary of ${c.vocab_size}`);
    if (position >= cache.maxLen) throw new Error(`the cache is full with ${cache.maxLen} tokens; make it longer`);
    const x = this.embed(id, position, see);
    for (let i = 0; i < this.layers.length; i += 1) this.run(this.layers[i], x, position, cache.k[i], cache.v[i], see);
    cache.length += 1;
    if (wanted) this.logits(x, see);
  }

  logits(x, see) {
    const cap = this.config.final_cap;
    const normed = this.final ? this.normed(this.final, x, see) : x;
    const logits = this.products.multiply(this.head, normed, this.buffer("logits", this.head.rows));
    if (cap) for (let i = 0; i < logits.length; i += 1) logits[i] = cap * Math.tanh(logits[i] / cap);
    see?.("logits", logits, [logits.length]);
  }

  embed(id, position, see) {
    const [c, D] = [this.config, this.config.d_model];
    const x = this.buffer("embed", D);
    const scale = c.scale_embeddings ? Math.fround(Math.sqrt(D)) : 1;
    for (let i = 0; i < D; i += 1) x[i] = this.table.W[id * this.table.stride + i] * scale;
    see?.("embed", x, [D]);
    if (c.pos_encoding === "learned") {
      const { shape, data } = this.tensor("positions.table.weight");
      if (position >= shape[0]) throw new Error(`position ${position} is past the learned table of ${shape[0]}`);
      for (let i = 0; i < D; i += 1) x[i] += data[position * D + i];
    } else if (c.pos_encoding === "sinusoidal") {
      for (let i = 0; i < D; i += 1) {
        const angle = position * Math.fround(10000 ** (-(i - i % 2) / D));
        x[i] += i % 2 ? Math.cos(angle) : Math.sin(angle);
      }
    }
    return x;
  }

  /** One block on the stream x (D), in place. */
  run(layer, x, position, keys, values, see) {
    const post = this.config.norm_position === "post";
    const parts = [["attention", layer.normAttention, (y) => this.attend(layer, y, position, keys, values, see)],
      ["ffn", layer.normFfn, (y) => this.transform(layer.ffn, y, see)]];
    parts.forEach(([name, norm, part], which) => {
      let y = part(post ? x : this.normed(norm, x, see));
      see?.(`${layer.name}.${name}`, y, [x.length]);
      if (layer.after.length) y = this.normed(layer.after[which], y, see);
      for (let i = 0; i < x.length; i += 1) x[i] += y[i];
      if (post) x.set(this.normed(norm, x, see));
    });
    see?.(layer.name, x, [x.length]);
  }

  /** The norm of each part of x as wide as the gain, in a new buffer. */
  normed({ name, gain, bias, eps, centred }, x, see) {
    const [n, y] = [gain.length, this.buffer(name, x.length)];
    for (let start = 0; start < x.length; start += n) {
      let [mean, square] = [0, 0];
      if (centred) { for (let i = 0; i < n; i += 1) mean += x[start + i]; mean /= n; }
      for (let i = 0; i < n; i += 1) square += (x[start + i] - mean) ** 2;
      const scale = 1 / Math.sqrt(square / n + eps);
      for (let i = 0; i < n; i += 1) y[start + i] = (x[start + i] - mean) * scale * gain[i] + (bias ? bias[i] : 0);
    }
    see?.(name, y, x.length === n ? [n] : [x.length / n, n]);
    return y;
  }

  project(matrix, x, see) {
    const y = this.products.multiply(matrix, x, this.buffer(matrix.name, matrix.rows));
    see?.(matrix.name, y, [matrix.rows]);
    return y;
  }

  /** Rotate each head of x by its position, in place. */
  rotate({ freqs, amplitude }, x, position) {
    const [Dh, half, near] = [this.dHead, freqs.length, this.config.rope_pairing === "interleaved"];
    for (let j = 0; j < half; j += 1) {
      const angle = Math.fround(position * freqs[j]);
      const cos = amplitude * Math.cos(angle);
      const sin = amplitude * Math.sin(angle);
      for (let at = 0; at < x.length; at += Dh) {
        const p = near ? at + 2 * j : at + j;
        const r = near ? p + 1 : p + half;
        const a = x[p];
        const b = x[r];
        x[p] = a * cos - b * sin;
        x[r] = a * sin + b * cos;
      }
    }
  }

  attend(layer, x, position, keys, values, see) {
    const [H, Dh, at] = [this.config.n_heads, this.dHead, `${layer.name}.attention`];
    const [q, k] = [layer.q, layer.k].map((matrix, i) => {
      let y = this.project(matrix, x, see);
      if (layer.norms.length) y = this.normed(layer.norms[i], y, see);
      if (layer.rotary) this.rotate(layer.rotary, y, position);
      see?.(`${at}.${"qk"[i]}`, y, [y.length / Dh, Dh]);
      return y;
    });
    const v = this.project(layer.v, x, see);
    see?.(`${at}.v`, v, [this.nKv, Dh]);
    keys.set(k, position * k.length);
    values.set(v, position * k.length);
    const weights = this.weigh(layer, q, keys, position, see);
    const heads = this.buffer(`${at}.heads`, H * Dh);
    const S = position + 1;
    const first = Math.max(0, S - layer.window);
    for (let h = 0; h < H; h += 1) {
      const own = Math.floor(h * this.nKv / H) * Dh;
      weighted(weights, values, h * S, S, first, own, k.length, Dh, heads, h * Dh);
    }
    see?.(`${at}.heads`, heads, [H, Dh]);
    return this.project(layer.out, heads, see);
  }

  /** The attention weights (H, S) of one token over the S tokens so far; out of the window they are 0. */
  weigh(layer, q, keys, position, see) {
    const [H, Dh, S, cap] = [this.config.n_heads, this.dHead, position + 1, this.config.score_cap];
    const [width, first, at] = [this.nKv * Dh, Math.max(0, S - layer.window), `${layer.name}.attention`];
    const scores = this.buffer("scores", H * this.config.max_seq_len * 2).subarray(0, H * S).fill(-Infinity);
    for (let h = 0; h < H; h += 1) {
      const own = Math.floor(h * this.nKv / H) * Dh;
      for (let s = first; s < S; s += 1) {
        let sum = this.scale * dotAt(q, h * Dh, keys, s * width + own, Dh);
        if (cap) sum = cap * Math.tanh(sum / cap);
        scores[h * S + s] = this.slopes ? sum - this.slopes[h] * (position - s) : sum;
      }
    }
    see?.(`${at}.scores`, scores, [H, S]);
    for (let h = 0; h < H; h += 1) toProbabilities(scores.subarray(h * S, h * S + S), layer.sinks?.[h]);
    see?.(`${at}.weights`, scores, [H, S]);
    return scores;
  }

  /** A feed-forward layer on x (D), or the weighted sum of the experts that the router calls. */
  transform(ffn, x, see) {
    if (ffn.router) return this.mix(ffn, x, see);
    const plain = this.project(ffn.up, x, see);
    const gate = ffn.gate && this.project(ffn.gate, x, see);
    const hidden = this.buffer(`${ffn.name}.hidden`, plain.length);
    for (let i = 0; i < hidden.length; i += 1) {
      hidden[i] = gate ? ffn.gated(ffn.activation(gate[i]), plain[i]) : ffn.activation(plain[i]);
    }
    see?.(`${ffn.name}.hidden`, hidden, [hidden.length]);
    return this.project(ffn.down, hidden, see);
  }

  mix({ name, router, balance, experts, shared }, x, see) {
    const weights = this.route(name, this.project(router, x, see), balance);
    see?.(`${name}.weights`, weights, [experts.length]);
    const out = this.buffer(name, x.length).fill(0);
    experts.forEach((expert, e) => {
      if (weights[e] === 0) return;
      const y = this.transform(expert, x, see);
      see?.(expert.name, y, [y.length]);
      for (let i = 0; i < out.length; i += 1) out[i] += weights[e] * y[i];
    });
    if (shared) { const y = this.transform(shared, x, see); for (let i = 0; i < out.length; i += 1) out[i] += y[i]; }
    return out;
  }

  /** The weight of each expert (E), 0 for those that are not called. */
  route(name, logits, balance) {
    const { expert_rule: rule, top_k: k, expert_scale: factor } = this.config;
    const scores = Float32Array.from(logits, rule === "deepseek" ? sigmoid : (s) => s);
    if (rule === "mixtral" || rule === "switch") toProbabilities(scores);
    const chosen = largest(this.limited(scores.map((s, e) => s + (balance ? balance[e] : 0))), k);
    const own = Float32Array.from(chosen, (e) => scores[e]);
    if (rule === "gpt_oss") toProbabilities(own);
    const total = rule === "mixtral" || rule === "deepseek" ? own.reduce((a, b) => a + b, 1e-20) : 1;
    const weights = this.buffer(`${name}.weights`, scores.length).fill(0);
    chosen.forEach((e, i) => { weights[e] = (rule === "deepseek" ? factor : 1) * own[i] / total; });
    return weights;
  }

  /** Scores with all experts out of the best groups at −Infinity (DeepSeek-V3); a group is worth its two best. */
  limited(scores) {
    const { expert_groups: groups, expert_groups_kept: kept } = this.config;
    if (groups === 1 || this.config.expert_rule !== "deepseek") return scores;
    const size = scores.length / groups;
    const worth = Array.from({ length: groups }, (_, g) =>
      [...scores.slice(g * size, (g + 1) * size)].sort((a, b) => b - a).slice(0, 2).reduce((a, b) => a + b, 0));
    const best = largest(worth, kept);
    return scores.map((s, e) => (best.includes(Math.floor(e / size)) ? s : -Infinity));
  }
}

/** A `see` that keeps copies of what the names ask for, the newest of each: { see, found: name -> { shape, data } }. */
export function recorder(names) {
  const [asked, found] = [new Set(names), {}];
  return { found, see(name, values, shape) {
    if (asked.has(name)) found[name] = { shape, data: Float32Array.from(values) };
  } };
}

/** Byte-level byte-pair encoding, from what BPETokenizer.save wrote. */
export class Tokenizer {
  constructor({ kind, pattern, merges, specials }) {
    if (kind !== "bpe") throw new Error(`a tokenizer of kind ${kind} does not run in the page; train a bpe`);
    // Python's regex means Unicode's white space by \s, JavaScript nearly that
    const unicode = pattern.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}");
    this.pattern = new RegExp(unicode, "gu");
    this.ranks = new Map(merges.map(([a, b], i) => [a * 2 ** 24 + b, 256 + i]));
    this.names = Array.from({ length: 256 }, (_, i) => [i]);
    for (const [a, b] of merges) this.names.push([...this.names[a], ...this.names[b]]);
    this.specials = Object.fromEntries(specials.map((name, i) => [name, this.names.length + i]));
    for (const name of specials) this.names.push([...new TextEncoder().encode(name)]);
  }

  /** The ids of a text; special tokens in it stay plain text. */
  encode(text) {
    if (/\p{Surrogate}/u.test(text)) throw new Error("the text holds a lone surrogate, which is no character");
    return (text.match(this.pattern) ?? []).flatMap((piece) => this.joined([...new TextEncoder().encode(piece)]));
  }

  /** Join the pair of the smallest rank, the leftmost of equals, until no pair has one. */
  joined(ids) {
    for (;;) {
      let [best, at] = [Infinity, -1];
      for (let i = 0; i + 1 < ids.length; i += 1) {
        const rank = this.ranks.get(ids[i] * 2 ** 24 + ids[i + 1]);
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return ids;
      ids.splice(at, 2, best);
    }
  }

  /** The text of ids; bytes that are no whole character become �. */
  decode(ids) {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids.flatMap((id) => this.names[id])));
  }
}

/** What is drawn from: logits -> probabilities, by temperature (0: greedy), then top-k, top-p and min-p if given. */
export function probabilities(logits, { temperature = 1, topK, topP, minP } = {}) {
  if (temperature === 0) {
    const best = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
    return Float64Array.from(logits, (_, i) => Number(i === best));
  }
  const x = new Float64Array(logits);
  for (let i = 0; i < x.length; i += 1) x[i] /= temperature;
  if (topP >= 1) topP = 0;                                             // keep all
  const order = topK || topP ? largest(x, x.length) : [];
  if (topK && topK < x.length) {
    const least = x[order[topK - 1]];
    for (let i = 0; i < x.length; i += 1) if (x[i] < least) x[i] = -Infinity;
  }
  const p = toProbabilities(topP ? x.slice() : x);
  if (topP) {
    let before = 0;
    order.forEach((id, i) => {
      if (i && before >= topP) x[id] = -Infinity;
      before += p[id];
    });
    p.set(x);
    toProbabilities(p);
  }
  if (minP) {
    const least = minP * p.reduce((a, b) => Math.max(a, b));
    for (let i = 0; i < p.length; i += 1) if (p[i] < least) p[i] = 0;
    const total = p.reduce((a, b) => a + b);
    for (let i = 0; i < p.length; i += 1) p[i] /= total;
  }
  return p;
}

/** Numbers from 0 to 1 that a seed settles (xorshift: Marsaglia 2003, section 3). */
export function random(seed) {
  let x = Math.imul(seed + 1, 0x9E3779B1) || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** The token at the share `u` of the way through the probabilities. */
export function draw(p, u) {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < p.length; i += 1) {
    if (p[i] === 0) continue;
    sum += p[i];
    last = i;
    if (u < sum) return i;
  }
  return last;
}

/** Yields { id, p } for each new token, `p` what it was drawn from, until a stop id, `maxTokens` or the cache's end. */
export function* generate(model, ids, { sampler = {}, seed = 0, maxTokens = Infinity, stop = [], cache = model.newCache(),
  see = null } = {}) {
  const next = random(seed);
  let given = ids;
  for (let n = 0; n < maxTokens && cache.length + given.length <= cache.maxLen; n += 1) {
    const p = probabilities(model.read(given, cache, see), sampler);
    const id = draw(p, next());
    yield { id, p };
    if (stop.includes(id)) return;
    given = [id];
  }
}

/** What page_file of minillm.widgets.lm wrote -> { model, tokenizer, stop: ids at which a text ends }. */
export function readModel(buffer, options) {
  const { tensors, meta } = readSafetensors(buffer);
  const { config, tokenizer, stop } = JSON.parse(meta.model);
  return { model: new Decoder(config, tensors, options), tokenizer: new Tokenizer(tokenizer), stop };
}

const fetched = new Map();

/** The model at an address, fetched once a page, however many ask for it. */
export function fetchModel(url) {
  if (!fetched.has(url)) {
    fetched.set(url, fetch(url).then((answer) => {
      if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    }).then(readModel));
    fetched.get(url).catch(() => fetched.delete(url));
  }
  return fetched.get(url);
}
