// A text under five tokenizers, and the merges of byte-pair encoding one by one.

const NEXT = new TextEncoder();
const LINE = 160;

/** The text of bytes, with what is no whole character in hexadecimal. */
export function bytesText(bytes) {
  const text = new TextDecoder().decode(Uint8Array.from(bytes));
  return text.includes("�") ? bytes.map((b) => (b < 128 ? String.fromCharCode(b) : `⟨${b.toString(16)}⟩`)).join("") : text;
}

/** The tokens of a text under each tokenizer: name -> pieces of text. `merges` of them are used by the fourth. */
export function fiveWays(text, vocabulary, merges) {
  const short = new Tokenizer({ ...vocabulary, merges: vocabulary.merges.slice(0, merges), specials: [] });
  const long = new Tokenizer({ ...vocabulary, specials: [] });
  const pieces = (tokenizer) => tokenizer.encode(text).map((id) => bytesText(tokenizer.names[id]));
  return { characters: [...text], words: text.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]/gu) ?? [],
    bytes: [...NEXT.encode(text)].map((b) => bytesText([b])), short: pieces(short), long: pieces(long) };
}

const chipRow = (texts) => texts.map((text) => h("span", { className: "ml-chip" }, visible(text)));

function renderChips({ model, el }) {
  const vocabulary = { kind: "bpe", pattern: model.get("pattern"), merges: model.get("merges") };
  const all = vocabulary.merges.length;
  const names = { characters: "characters", words: "words", bytes: "bytes" };
  const rows = Object.fromEntries(["characters", "words", "bytes", "short", "long"].map((key) =>
    [key, { title: h("p", { className: "ml-caption" }), chips: h("p", { className: "ml-tokens" }) }]));
  const draw = ({ text, count }) => {
    const ways = fiveWays([...text].filter((c) => !/\p{Surrogate}/u.test(c)).slice(0, LINE).join(""), vocabulary, count);
    Object.entries(rows).forEach(([key, { title, chips }]) => {
      const name = names[key] ?? `BPE with ${key === "short" ? count : all} merges`;
      title.replaceChildren(h("b", {}, name), ` ${ways[key].length} tokens`);
      chips.replaceChildren(...chipRow(ways[key]));
    });
  };
  const shown = panel({ model, name: "tokenizers", label: "Five tokenizers", draw,
    parts: Object.values(rows).flatMap(({ title, chips }) => [title, chips]), controls: {
      text: (tell) => textBox("text", tell, LINE),
      count: (tell) => slider("merges of the fourth", { min: 0, max: all }, tell) } });
  el.append(shown.el);
  return shown.end;
}

/** The pairs of neighbours in tokens, with their counts: the most frequent first, the smaller one of equals. */
export function pairCounts(ids) {
  const counts = new Map();
  for (let i = 0; i + 1 < ids.length; i += 1) {
    const key = ids[i] * 2 ** 24 + ids[i + 1];
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, n]) => [Math.floor(key / 2 ** 24), key % 2 ** 24, n])
    .sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
}

const joinAll = (ids, a, b, id) => {
  const out = [];
  for (let i = 0; i < ids.length; i += 1) {
    if (ids[i] === a && ids[i + 1] === b) { out.push(id); i += 1; } else out.push(ids[i]);
  }
  return out;
};

/** Training on one text: at each step the tokens, and the pair that is joined next; `steps[0]` holds the bytes. */
export function trainSteps(text, most = 400) {
  const names = Array.from({ length: 256 }, (_, i) => [i]);
  let ids = [...NEXT.encode(text)];
  const steps = [];
  for (let id = 256; ; id += 1) {
    const pairs = pairCounts(ids);
    steps.push({ ids, pairs, names });
    if (!pairs.length || steps.length > most) return steps;
    const [a, b] = pairs[0];
    names.push([...names[a], ...names[b]]);
    ids = joinAll(ids, a, b, id);
  }
}

/** Encoding one text with learned merges: at each step the pair of the smallest rank. */
export function encodeSteps(text, merges) {
  const names = Array.from({ length: 256 }, (_, i) => [i]);
  for (const [a, b] of merges) names.push([...names[a], ...names[b]]);
  const ranks = new Map(merges.map(([a, b], i) => [a * 2 ** 24 + b, i]));
  const ranked = (ids) => pairCounts(ids).map(([a, b]) => [a, b, ranks.get(a * 2 ** 24 + b)])
    .filter(([, , rank]) => rank !== undefined).sort((x, y) => x[2] - y[2]);
  let ids = [...NEXT.encode(text)];
  const steps = [];
  for (;;) {
    const pairs = ranked(ids);
    steps.push({ ids, pairs, names });
    if (!pairs.length) return steps;
    const [a, b, rank] = pairs[0];
    ids = joinFirst(ids, a, b, 256 + rank);
  }
}

const joinFirst = (ids, a, b, id) => {
  const at = ids.findIndex((x, i) => x === a && ids[i + 1] === b);
  return [...ids.slice(0, at), id, ...ids.slice(at + 2)];
};

function renderMerges({ model, el }) {
  const sentence = h("p", { className: "ml-read", role: "status" });
  const row = h("p", { className: "ml-tokens" });
  const pairs = h("ol", { className: "ml-pairs" });
  const learned = h("p", { className: "ml-sum" });
  const name = (names, id) => visible(bytesText(names[id]));
  const draw = (data) => {
    const text = [...data.text].filter((c) => !/\p{Surrogate}/u.test(c)).slice(0, 80).join("");
    const training = data.way === "train";
    const steps = training ? trainSteps(text) : encodeSteps(text, model.get("merges"));
    const step = Math.min(data.step, steps.length - 1);
    const { ids, pairs: found, names } = steps[step];
    const fresh = step && ids.length < steps[step - 1].ids.length ? Math.max(...ids.filter((id) => !steps[step - 1].ids.includes(id)), -1) : -1;
    row.replaceChildren(...ids.map((id) => h("span", { className: "ml-chip", "data-new": id === fresh }, name(names, id))));
    const best = found[0];
    sentence.textContent = `Step ${step} of ${steps.length - 1}: ${ids.length} tokens. ` + (!best
      ? training ? "One token is left, so there is no pair to join." : "No pair of neighbors has a merge; these are the tokens."
      : training ? `The most frequent pair is “${name(names, best[0])}” + “${name(names, best[1])}” (${best[2]} times); it is joined next.`
        : `Of the pairs that have a merge, “${name(names, best[0])}” + “${name(names, best[1])}” was learned first (rank ${best[2]}); it is joined next.`);
    pairs.replaceChildren(...found.slice(0, 8).map(([a, b, n], i) => h("li", { "data-on": i === 0 },
      h("span", { className: "ml-word" }, `${name(names, a)} + ${name(names, b)}`), h("span", {}, training ? `${n}×` : `rank ${n}`))));
    learned.textContent = training ? `Merges so far: ${Array.from({ length: step }, (_, i) => name(names, 256 + i)).join("  ") || "none"}` : "";
  };
  const shown = panel({ model, name: "merges", label: "Merges of byte-pair encoding", draw,
    parts: [sentence, row, pairs, learned], controls: {
      way: (tell) => choice("watch it", [["train", "learn merges from this text"], ["encode", "encode it with the storyteller's merges"]], tell),
      text: (tell) => textBox("text", tell, 80),
      step: (tell) => slider("step", { min: 0, max: 40 }, tell) } });
  el.append(shown.el);
  return shown.end;
}

export default { render: (given) => (given.model.get("kind") === "chips" ? renderChips : renderMerges)(given) };
