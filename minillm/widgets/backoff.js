// An n-gram model of letters that shows how it mixes long contexts with short ones, and writes.

const ROWS = 8;

/** Counts of a text for contexts of 0 to n − 1 letters: levels[m] is context -> letter -> count. With `continuation`
 *  the shorter contexts count in how many places a letter came, not how often. As SlowNGram in minillm.models.ngram. */
export function countGrams(text, n, continuation) {
  const letters = [...text];
  const grams = Array.from({ length: n }, (_, m) => {
    const counts = new Map();
    for (let i = 0; i + m < letters.length; i += 1) {
      const gram = letters.slice(i, i + m + 1).join("");
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  });
  if (continuation) {
    for (let m = 0; m < n - 1; m += 1) {
      const places = new Map();
      for (const gram of grams[m + 1].keys()) {
        const rest = [...gram].slice(1).join("");
        places.set(rest, (places.get(rest) ?? 0) + 1);
      }
      grams[m] = places;
    }
  }
  return grams.map((counts) => {
    const level = new Map();
    for (const [gram, count] of counts) {
      const all = [...gram];
      const [context, letter] = [all.slice(0, -1).join(""), all.at(-1)];
      if (!level.has(context)) level.set(context, new Map());
      level.get(context).set(letter, count);
    }
    return level;
  });
}

const RULES = {
  "witten-bell": ({ count, total, kinds, lower }) => (total ? (count + kinds * lower) / (total + kinds) : lower),
  "kneser-ney": ({ count, total, kinds, lower }) => (total ? (Math.max(count - 0.75, 0) + 0.75 * kinds * lower) / total : lower),
};
/** How much weight the shorter context gets. */
const SHORTER = { "witten-bell": (total, kinds) => (total ? kinds / (total + kinds) : 1),
  "kneser-ney": (total, kinds) => (total ? 0.75 * kinds / total : 1) };

/** From the shortest context to the longest: [{ context, total, kinds, shorter, p: probability of each letter }]. */
export function mixLevels(levels, alphabet, context, rule) {
  const before = [...context];
  let p = alphabet.map(() => 1 / alphabet.length);
  return levels.slice(0, before.length + 1).map((level, m) => {
    const own = before.slice(before.length - m).join("");
    const row = level.get(own) ?? new Map();
    const total = [...row.values()].reduce((a, b) => a + b, 0);
    p = alphabet.map((letter, i) => RULES[rule]({ count: row.get(letter) ?? 0, total, kinds: row.size, lower: p[i] }));
    return { context: own, total, kinds: row.size, shorter: SHORTER[rule](total, row.size), p };
  });
}

function render({ model, el }) {
  const source = model.get("text");
  const alphabet = [...new Set(source)].sort();
  const counted = new Map();
  const countsFor = (n, continuation) => {
    const key = `${n}.${continuation}`;
    if (!counted.has(key)) counted.set(key, countGrams(source, n, continuation));
    return counted.get(key);
  };
  const [head, body] = [h("tr"), h("tbody")];
  const caption = h("caption");
  const read = h("p", { className: "ml-read", role: "status" });
  let next = random(0);
  const levelsNow = ({ n, rule, context }) => mixLevels(countsFor(n, rule === "kneser-ney"), alphabet,
    n > 1 ? [...context].slice(1 - n).join("") : "", rule);
  const write = (count) => {
    let { context } = shown.data;
    for (let i = 0; i < count; i += 1) context += alphabet[draw(levelsNow({ ...shown.data, context }).at(-1).p, next())];
    shown.change("context", context.slice(-MOST));
  };
  const buttons = h("div", { className: "ml-controls" }, h("button", { type: "button", onclick: () => write(1) }, "Next letter"),
    h("button", { type: "button", onclick: () => write(30) }, "Write 30"));
  const shown = panel({ model, name: "backoff", label: "An n-gram model that writes", draw: show, parts: [buttons, read,
    h("div", { className: "ml-scroll" }, h("table", { className: "ml-table" }, caption, h("thead", {}, head), body))], controls: {
    context: (tell) => textBox("text so far", tell, MOST),
    n: (tell) => slider("n", { min: 1, max: 7 }, tell),
    rule: (tell) => choice("rule", [["witten-bell", "Witten-Bell"], ["kneser-ney", "Kneser-Ney"]], tell) } });
  shown.el.querySelector("button").addEventListener("click", () => { next = random(0); });

  function show(data) {
    const levels = levelsNow(data);
    const last = levels.at(-1);
    const best = largest(last.p, ROWS);
    const known = [...levels].reverse().find((l) => l.total > 0) ?? levels[0];
    caption.textContent = "What each context says about the next letter, mixed with the shorter one to its left";
    const name = (l) => (l.context === "" ? "no context" : `“${visible(l.context)}”`);
    head.replaceChildren(h("th", { scope: "col" }, "letter"), ...levels.map((l) => h("th", { scope: "col" }, name(l))));
    const facts = [["times seen", (l) => String(l.total)], ["different letters after it", (l) => String(l.kinds)],
      ["weight of the shorter one", (l) => numberText(l.shorter)]];
    body.replaceChildren(...facts.map(([title, value]) => h("tr", { className: "ml-fact" }, h("td", {}, title), ...levels.map((l) => h("td", {}, value(l))))),
      ...best.map((i) => h("tr", {}, h("td", {}, h("span", { className: "ml-word" }, visible(alphabet[i]))), ...levels.map((l) =>
        h("td", { className: "ml-share", style: `--p:${l.p[i]}` }, numberText(l.p[i], 3))))));
    read.textContent = known === last ? `The whole context ${name(last)} was seen ${last.total} ${last.total === 1 ? "time" : "times"}.`
      : `The context ${name(last)} was never seen; the longest that was is ${name(known)}, and its answer stands.`;
  }
  el.append(shown.el);
  return shown.end;
}

const MOST = 120;                                          // letters that are shown

export default { render };
