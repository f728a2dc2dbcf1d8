// A small library searched by words (BM25) and by meaning (directions of vectors), side by side.

/** The words of a text in small letters. As search_words in minillm.retrieval.bm25. */
export function searchWords(text) { return text.normalize("NFKC").toLowerCase().match(/[\p{L}\p{N}_\p{M}]+/gu) ?? []; }

/** The score of each text for the words of a query. As BM25 in minillm.retrieval.bm25. */
export function bm25(query, texts, k1 = 1.5, b = 0.75) {
  const cut = texts.map(searchWords);
  const mean = cut.reduce((sum, words) => sum + words.length, 0) / cut.length;
  const holding = (word) => cut.filter((words) => words.includes(word)).length;
  return cut.map((words) => searchWords(query).reduce((sum, word) => {
    const [count, n] = [words.filter((w) => w === word).length, holding(word)];
    const rarity = Math.log1p((cut.length - n + 0.5) / (n + 0.5));
    return count ? sum + rarity * count / (count + k1 * (1 - b + b * words.length / mean)) : sum;
  }, 0));
}

/** Rows of numbers from bytes in base64, 128 for zero. */
export function vectorsOf(base64, width) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return Array.from({ length: bytes.length / width }, (_, i) => Array.from(bytes.slice(i * width, (i + 1) * width), (x) => x - 128));
}

const length = (x) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** The cosine of each text with the mean direction of the query's known words; null if none is known. */
export function meaning(query, { words, wordVectors, textVectors }) {
  const known = searchWords(query).map((w) => words.indexOf(w)).filter((i) => i >= 0);
  if (!known.length) return null;
  const q = wordVectors[0].map((_, d) => known.reduce((sum, i) => sum + wordVectors[i][d] / length(wordVectors[i]), 0));
  return textVectors.map((x) => x.reduce((sum, v, d) => sum + v * q[d], 0) / length(x) / length(q));
}

/** Reciprocal rank fusion; equals share the best of their ranks. As fuse in minillm.retrieval.collection. */
export function fused(lists, constant = 60) {
  return lists[0].map((_, i) => lists.reduce((sum, scores) => sum + 1 / (constant + 1 + scores.filter((s) => s > scores[i]).length), 0));
}

const BEST = 4;
const bestTexts = (scores) => [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, BEST);

function render({ model, el }) {
  const [texts, words, width] = ["texts", "words", "width"].map((key) => model.get(key));
  const data = { words, wordVectors: vectorsOf(model.get("word_codes"), width), textVectors: vectorsOf(model.get("text_codes"), width) };
  const names = [["by words", "BM25"], ["by meaning", "cosine"], ["both", "ranks fused"]];
  const lists = names.map(() => h("ol", { className: "ml-found" }));
  const chips = h("p", { className: "ml-tokens" });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "library", label: "Search by words and by meaning", draw, parts: [chips,
    h("div", { className: "ml-columns" }, ...names.map(([name, says], i) => h("div", {}, h("p", { className: "ml-caption" }, h("b", {}, name), ` ${says}`), lists[i]))), read],
  controls: { query: (tell) => textBox("question", tell),
    ready: (tell) => choice("ready ones", model.get("questions").map((q, i) => [String(i), q]), (v) => { tell(v); shown.change("query", model.get("questions")[Number(v)]); }) } });

  function draw({ query }) {
    const held = new Set(texts.flatMap(searchWords));
    const asked = searchWords(query);
    const [plain, near] = [bm25(query, texts), meaning(query, data)];
    const both = fused([plain, near ?? plain]);
    chips.replaceChildren(...asked.map((w) => h("span", { className: "ml-chip", "data-in": held.has(w), "data-known": words.includes(w) },
      w, h("small", {}, ` ${[held.has(w) ? "texts" : "", words.includes(w) ? "vector" : ""].filter(Boolean).join(" + ") || "unknown"}`))));
    [plain, near, both].forEach((scores, i) => {
      const found = scores && (i !== 0 || plain.some(Boolean)) ? bestTexts(scores).filter((n) => i === 1 || i === 2 || scores[n] > 0) : [];
      lists[i].replaceChildren(...found.map((n) => h("li", { "data-text": n }, h("b", {}, numberText(scores[n], i === 2 ? 4 : 2)), ` ${texts[n]}`)),
        ...(found.length ? [] : [h("li", { className: "ml-none" }, i ? "no word of it has a vector" : "no text has a word of it")]));
    });
    const first = (scores) => bestTexts(scores)[0];
    read.textContent = !asked.length ? "Ask something." : !plain.some(Boolean) && !near ? "Neither way knows a word of this question."
      : !plain.some(Boolean) ? "No text has a word of this question, so word search finds nothing; the vectors still point somewhere."
        : !near ? "The words stand in the texts, but none of them has a vector: a rare name is word search's to find."
          : first(plain) === first(near) ? "Both ways put the same text first." : "The two ways disagree about the first text. Which is right, and why?";
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
