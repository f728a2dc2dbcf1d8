// A tale of the grammar: press a word to spoil it, and read what the judge says. Python has judged every case.

/** The text of a tale with one of its mentions replaced: [start, end, name, other, verdict, verdict of a word unknown]. */
export function spoiledText(tale, at, unknown) {
  if (at < 0) return tale.text;
  const [start, end, , other] = tale.mentions[at];
  return tale.text.slice(0, start) + (unknown ? "Nobody" : other) + tale.text.slice(end);
}

function render({ model, el }) {
  const tales = model.get("tales");
  const text = h("p", { className: "ml-told", role: "group", "aria-label": "the tale: press a word to spoil it" });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "taleteller", label: "Write, spoil and judge a tale", parts: [text, read], draw, controls: {
    tale: (tell) => slider("tale", { min: 1, max: tales.length }, (v) => { shown.change("at", -1); tell(v); }),
    unknown: (tell) => toggle("by “Nobody”", tell),
    at: () => ({ el: h("span", { hidden: true }), set() {} }) } });
  let drawn = "";

  function draw({ tale: number, at, unknown }) {
    const tale = tales[number - 1];
    if (drawn !== number) {
      let from = 0;
      text.replaceChildren(...tale.mentions.flatMap(([start, end, name], i) => {
        const before = tale.text.slice(from, start);
        from = end;
        return [before, h("button", { type: "button", className: "ml-mention", title: name, onclick: () => shown.change("at", shown.data.at === i ? -1 : i) })];
      }), tale.text.slice(from));
      drawn = number;
    }
    [...text.querySelectorAll("button")].forEach((button, i) => {
      const [start, end, , other] = tale.mentions[i];
      button.textContent = i === at ? (unknown ? "Nobody" : other) : tale.text.slice(start, end);
      button.setAttribute("aria-pressed", String(i === at));
    });
    const [grammatical, consistent, why] = at < 0 ? [true, true, ""] : tale.mentions[at][unknown ? 5 : 4];
    const mark = (name, good) => h("b", { "data-verdict": name, "data-good": good }, `${good ? "✓" : "✗"} ${good ? "" : "not "}${name}`);
    read.replaceChildren(mark("grammatical", grammatical), " · ", mark("consistent", consistent), ". ", at < 0
      ? `Untouched. Its choices are worth ${numberText(tale.bits, 1)} bits. Press a name or a thing to spoil it.`
      : why ? `The judge: ${why}.` : `The judge finds nothing wrong: the ${tale.mentions[at][2]} may be another one here, and the tale still agrees with itself.`);
  }
  el.append(shown.el);
  return shown.end;
}

export default { render };
