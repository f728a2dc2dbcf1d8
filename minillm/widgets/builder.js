// How large is a model of this shape? Parameters, arithmetic and bytes, from the table of its config alone.

const PLAIN = ["gelu", "gelu_tanh", "relu", "relu2"];
const PARTS = ["tables", "attention", "feed-forward", "norms"];

/** Numbers of a linear layer as [in its matrix, in its bias]. */
const linear2 = (c, from, to, bias = c.bias) => [from * to, bias ? to : 0];
const normSize = (c, width) => width * (["layernorm", "layernorm_plus_one"].includes(c.norm_type) ? 2 : 1);
const add = (...pairs) => pairs.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
const times2 = (n, [a, b]) => [n * a, n * b];

function attentionSize(c) {
  const [D, H, Dh, K] = [c.d_model, c.n_heads, c.head_dim ?? c.d_model / c.n_heads, c.n_kv_heads ?? c.n_heads];
  const sinks = [0, c.learned_sinks ? H : 0];
  if (c.attention_type === "latent") {
    const squeezed = c.q_rank ? add(linear2(c, D, c.q_rank), [0, c.q_rank]) : [0, 0];
    return add(squeezed, [(c.q_rank ?? D) * H * (Dh + c.rope_dim), 0], linear2(c, D, c.kv_rank), [0, c.kv_rank],
      linear2(c, D, c.rope_dim), [c.kv_rank * H * (Dh + c.value_dim), 0], linear2(c, H * c.value_dim, D), sinks);
  }
  const own = ["each_head", "all_heads"].includes(c.qk_norm_over);
  const norms = [0, c.qk_norm ? normSize(c, own ? (H + K) * Dh : 2 * Dh) : 0];
  const bias = c.bias || c.qkv_bias;
  return add(linear2(c, D, H * Dh, bias), times2(2, linear2(c, D, K * Dh, bias)), linear2(c, H * Dh, D), norms, sinks);
}

function feedForwardSize(c, width) {
  return add(times2(PLAIN.includes(c.ffn_type) ? 1 : 2, linear2(c, c.d_model, width)), linear2(c, width, c.d_model));
}

/** Parameters by part, all of them and those that one token uses, and the numbers in matrices that one token meets.
 *  As parameter_counts in minillm.models.presets and active_numbers in minillm.train.throughput. */
export function sizes(c) {
  const D = c.d_model;
  const width = c.d_ff ?? Math.ceil(Math.floor(PLAIN.includes(c.ffn_type) ? 4 * D : 8 * D / 3) / 8) * 8;
  const dense = c.use_moe ? c.dense_layers : c.n_layers;
  const one = c.d_ff_expert ?? width;
  const expert = feedForwardSize(c, one);
  const always = c.use_moe ? add(linear2(c, D, c.num_experts), c.shared_experts ? feedForwardSize(c, c.shared_experts * one) : [0, 0]) : [0, 0];
  const attention = times2(c.n_layers, attentionSize(c));
  const fixed = add(times2(dense, feedForwardSize(c, width)), times2(c.n_layers - dense, always));
  const experts = (n) => times2(c.n_layers - dense, times2(n, expert));
  const inBlock = { sandwich: 4, parallel: 1 }[c.norm_position] ?? 2;
  const norms = normSize(c, D) * (c.n_layers * inBlock + (c.norm_position === "post" ? 0 : 1));
  const tables = c.vocab_size * D * (c.tie_embeddings ? 1 : 2) + (c.pos_encoding === "learned" ? c.max_seq_len * D : 0)
    + (c.head_bias ? c.vocab_size : 0);
  const sum = ([a, b]) => a + b;
  const total = { tables, attention: sum(attention), "feed-forward": sum(add(fixed, c.use_moe ? experts(c.num_experts) : [0, 0])), norms };
  const used = add(attention, fixed, c.use_moe ? experts(c.top_k) : [0, 0]);
  return { parts: total, total: PARTS.reduce((n, name) => n + total[name], 0), active: tables + norms + sum(used),
    matrices: used[0] + c.vocab_size * D };
}

/** Operations for one token in training (forward and backward), with T tokens in sight. As flops_per_token in Python. */
export function trainingFlops(c, T) {
  const Dh = c.head_dim ?? c.d_model / c.n_heads;
  const local = (i) => c.layer_pattern[i % c.layer_pattern.length] === "L";
  let seen = 0;
  for (let i = 0; i < c.n_layers; i += 1) seen += c.window && local(i) ? Math.min(T, c.window) : T;
  return 6 * sizes(c).matrices + 12 * c.n_heads * Dh * seen;
}

/** Bytes that a cache keeps for one token in all layers, 2 bytes a number. As cache_bytes in Python. */
export function cacheBytes(c) {
  const Dh = c.head_dim ?? c.d_model / c.n_heads;
  const [heads, key, value] = c.attention_type === "latent" ? [1, c.rope_dim, c.kv_rank] : [c.n_kv_heads ?? c.n_heads, Dh, Dh];
  return c.n_layers * heads * (key + value) * 2;
}

const divisors = (n) => Array.from({ length: n }, (_, i) => i + 1).filter((k) => n % k === 0);

/** The config of a preset with other heads (the width goes with them), layers, key-value heads and vocabulary. */
export function changed(preset, { heads, layers, kv, vocabulary, context }) {
  const grow = heads / preset.n_heads;
  const whole = (n) => (n === null ? null : Math.round(n * grow / 8) * 8);
  const latent = preset.attention_type === "latent";
  return { ...preset, n_heads: heads, d_model: preset.d_model / preset.n_heads * heads, n_layers: layers, vocab_size: vocabulary,
    n_kv_heads: latent ? preset.n_kv_heads : divisors(heads).filter((k) => k <= kv).at(-1), max_seq_len: context,
    d_ff: grow === 1 ? preset.d_ff : whole(preset.d_ff), d_ff_expert: grow === 1 ? preset.d_ff_expert : whole(preset.d_ff_expert),
    dense_layers: Math.min(preset.dense_layers, layers) };
}

const doubled = (i) => 2 ** i;

function render({ model, el }) {
  const presets = model.get("presets");
  const bar = h("div", { className: "ml-stack", "aria-hidden": "true" });
  const [list, read] = [h("ul", { className: "ml-parts-list" }), h("p", { className: "ml-read" })];
  const rows = h("tbody");
  const settings = (name) => { const c = presets[name]; return { heads: c.n_heads, layers: c.n_layers, kv: c.n_kv_heads ?? c.n_heads,
    vocabulary: c.vocab_size, context: 2 ** Math.floor(Math.log2(c.max_seq_len)) }; };
  const shown = panel({ model, name: "builder", label: "Model builder", draw, parts: [read, bar, list,
    h("table", { className: "ml-table" }, rows)], controls: {
    preset: (tell) => choice("begin with", Object.keys(presets).map((name) => [name, name]), (name) => {
      tell(name);
      Object.entries(settings(name)).forEach(([key, value]) => shown.change(key, value));
    }),
    heads: (tell) => slider("heads (and width)", { min: 1, max: 128 }, tell),
    kv: (tell) => slider("key-value heads", { min: 1, max: 128 }, tell),
    layers: (tell) => slider("layers", { min: 1, max: 96 }, tell),
    vocabulary: (tell) => slider("vocabulary", { min: 64, max: 262144, format: (v) => v.toLocaleString("en") }, tell),
    context: (tell) => { const s = slider("context", { min: 6, max: 18, step: 1, format: (v) => `${doubled(v).toLocaleString("en")} tokens` },
      (v) => tell(doubled(v))); return { el: s.el, set: (v) => s.set(Math.round(Math.log2(v))) }; } } });

  function draw(data) {
    const c = changed(presets[data.preset], data);
    const size = sizes(c);
    const T = c.max_seq_len;
    read.replaceChildren(h("b", { "data-number": "total" }, countText(size.total)), ` parameters, ${size.active === size.total ? "all of them"
      : `${countText(size.active)} of them`} used for each token. Width ${c.d_model.toLocaleString("en")}, `
      + `${c.n_heads} heads${c.attention_type === "latent" ? "" : ` with ${c.n_kv_heads ?? c.n_heads} for keys and values`}, ${c.n_layers} layers.`);
    bar.replaceChildren(...PARTS.map((name, i) => h("span", { className: `ml-part-${i}`, style: `flex-grow:${size.parts[name] / size.total}` })));
    list.replaceChildren(...PARTS.map((name, i) => h("li", { className: `ml-part-${i}` }, `${name} `, h("b", {}, countText(size.parts[name])),
      ` (${numberText(100 * size.parts[name] / size.total, 0)}%)`)));
    const bytes = (n) => `${countText(n)}B`;
    const table = [["weights in 16 bits", bytes(2 * size.total)], ["weights in 4 bits, a scale for each 32", bytes(size.total * 4.5 / 8)],
      [`cache of ${T.toLocaleString("en")} tokens, 16 bits`, bytes(cacheBytes(c) * T)],
      ["training: weights, gradients, two moments in 32 bits", bytes(16 * size.total)],
      [`operations for a token, writing (at ${T.toLocaleString("en")})`, countText(trainingFlops(c, T) / 3)],
      ["operations for a token, training", countText(trainingFlops(c, T))]];
    rows.replaceChildren(...table.map(([name, value]) => h("tr", {}, h("td", {}, name), h("td", {}, value))));
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
