// Two ways to look ahead, as the storyteller took them: a beam search as a tree, and drafts accepted and rejected.

/** The beams after a step, each with its sum of log-probabilities; a candidate is [parent, token, p, sum, kept]. */
export function beamTexts(tree, step) {
  let texts = [["", 0]];
  for (const level of tree.slice(0, step)) texts = level.filter((node) => node[4]).map(([p, word, , sum]) => [texts[p][0] + word, sum]);
  return texts;
}

/** For each level the numbers of the candidates that the beams after `step` came through. */
export function comesThrough(tree, step) {
  const kept = tree[step - 1].flatMap((node, i) => (node[4] ? [i] : []));
  const ways = [new Set(kept)];
  for (let level = step - 1; level > 0; level -= 1) ways.unshift(new Set([...ways[0]].map((i) => tree[level][i][0])));
  return ways;
}

/** Passes of the large model, and proposals accepted, of the rounds of speculative decoding. */
export function draftCounts(rounds) {
  const sum = (f) => rounds.reduce((total, r) => total + f(r), 0);
  return { passes: rounds.length, accepted: sum((r) => r.kept), proposed: sum((r) => r.proposed.length), tokens: sum((r) => r.kept + 1) };
}

const leafText = ([, word, p]) => `${visible(word).slice(0, 8)} ${numberText(p)}`;
const [COLUMN, LINE_OF, FIRST_X, FIRST_Y] = [106, 27, 34, 4];

function renderBeams({ model, el }) {
  const [trees, prompt] = [model.get("trees"), model.get("prompt")];
  const steps = trees[0].length;
  const [lines, nodes] = [svg("g"), svg("g")];
  const picture = svg("svg", { viewBox: `0 0 ${FIRST_X + COLUMN * steps} ${FIRST_Y + LINE_OF * 8}`, role: "img", class: "ml-tree" }, lines, nodes);
  const caption = h("p", { className: "ml-caption" });
  const list = h("ol", { className: "ml-texts" });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "treeview", label: "Beam search as a tree", draw, parts: [caption,
    h("div", { className: "ml-scroll", tabIndex: 0, role: "group", "aria-label": "the tree" }, picture), read, list], controls: {
    beams: (tell) => slider("beams", { min: 1, max: 4 }, tell), step: (tell) => slider("step", { min: 1, max: steps }, tell) } });

  function draw({ beams, step }) {
    const tree = trees[beams - 1];
    const ways = comesThrough(tree, step);
    const spot = (level, i) => [FIRST_X + COLUMN * level, FIRST_Y + LINE_OF * (i + 0.5)];
    caption.replaceChildren(h("b", {}, prompt), " …");
    lines.replaceChildren();
    nodes.replaceChildren();
    tree.slice(0, step).forEach((level, t) => level.forEach(([parent, word, p, , kept], i) => {
      const [x, y] = spot(t, i);
      const [x0, y0] = t ? spot(t - 1, parent) : [4, FIRST_Y + LINE_OF * beams];
      const [on, from] = [ways[t].has(i), t ? x0 + 4 + 6.9 * leafText(tree[t - 1][parent]).length : x0];
      const state = !kept ? "cut" : on ? t === step - 1 && i === 0 ? "best" : "alive" : "dead";
      lines.append(svg("path", { class: "ml-branch", "data-state": state, d: `M${from} ${y0}C${(from + x) / 2} ${y0} ${(from + x) / 2} ${y} ${x - 4} ${y}` }));
      nodes.append(svg("text", { class: "ml-leaf", "data-state": state, x, y: y + 4 }, leafText([parent, word, p])));
    }));
    const texts = beamTexts(tree, step);
    list.replaceChildren(...texts.map(([text, sum]) => h("li", {}, h("span", { className: "ml-word" }, visible(text)), ` ${numberText(sum)}`)));
    picture.setAttribute("aria-label", `the best ${2 * beams} candidates of each of ${step} steps; ${beams} are kept`);
    const dead = tree.slice(0, step).flatMap((level, t) => level.filter((node, i) => node[4] && !ways[t].has(i))).length;
    const end = beamTexts(tree, steps)[0];
    read.replaceChildren(`Of each step's ${2 * beams} best candidates, ${beams === 1 ? "one is" : `${beams} are`} kept. ${dead} that ${dead === 1 ? "was" : "were"} kept so far led nowhere. `,
      `At the end the best text has a log-probability of `, h("b", { "data-number": "best" }, numberText(end[1])), ".");
  }
  el.append(shown.el);
  return shown.end;
}

function renderDrafts({ model, el }) {
  const [runs, prompt] = [model.get("runs"), model.get("prompt")];
  const text = h("p", { className: "ml-tokens" });
  const proposals = h("ol", { className: "ml-proposals" });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "drafts", label: "Drafts accepted and rejected", draw, parts: [h("p", { className: "ml-caption" }, h("b", {}, "text so far")), text,
    h("p", { className: "ml-caption" }, h("b", {}, "this round"), " proposed by the draft, with the probability to be accepted"), proposals, read], controls: {
    draft_tokens: (tell) => slider("proposals", { min: 1, max: 6 }, tell),
    round: (tell) => slider("round", { min: 1, max: Math.max(...runs.map((r) => r.length)) }, tell) } });

  function draw({ draft_tokens: n, round }) {
    const rounds = runs[n - 1];
    const at = Math.min(round, rounds.length) - 1;
    const now = rounds[at];
    const chip = (word, state) => h("span", { className: "ml-chip", "data-state": state }, visible(word));
    text.replaceChildren(chip(prompt, "prompt"), ...rounds.slice(0, at + 1).flatMap((r) => [...r.proposed.slice(0, r.kept).map((word) => chip(word, "kept")), chip(r.added, "added")]));
    proposals.replaceChildren(...now.proposed.map((word, i) => h("li", { "data-state": i < now.kept ? "kept" : i === now.kept ? "rejected" : "unread" },
      h("span", { className: "ml-word" }, visible(word)), h("span", {}, i < now.kept ? `${numberText(now.chances[i])} accepted` : i === now.kept ? `${numberText(now.chances[i])} rejected` : "not looked at"))));
    const all = draftCounts(rounds);
    const added = now.kept === now.proposed.length ? now.kept ? "All proposals were accepted, and the same pass gives one token more" : "Nothing was proposed for the last place; the pass gives its token"
      : "The first rejected proposal is replaced by a draw from what the draft had too little of";
    read.replaceChildren(`Round ${at + 1} of ${rounds.length}. ${added}: “${visible(now.added)}”. In all, ${all.tokens} tokens took `, h("b", { "data-number": "passes" }, String(all.passes)),
      " passes of the large model; ", h("b", { "data-number": "accepted" }, `${all.accepted} of ${all.proposed}`), " proposals were accepted.");
  }
  el.append(shown.el);
  return shown.end;
}

export default { render: (given) => (given.model.get("kind") === "beams" ? renderBeams : renderDrafts)(given) };
