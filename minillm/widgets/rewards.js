// What a reward does to a policy: PPO's clipped loss, DPO's margin, and the advantages of GRPO's groups.

/** The loss of a token by its ratio, and its gradient in the log-probability. As policy_loss in minillm.adapt.ppo. */
export function clipped(ratio, advantage, clip) {
  const held = Math.min(Math.max(ratio, 1 - clip), 1 + clip);
  const stopped = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip;
  return { loss: -Math.min(ratio * advantage, held * advantage), gradient: stopped || advantage === 0 ? 0 : -ratio * advantage };
}

/** Margin, loss and the weight of a pair, from what the policy has added to both log-probabilities. As dpo_loss in
 *  minillm.adapt.dpo. */
export function pairLoss(chosen, rejected, beta) {
  const margin = beta * (chosen - rejected);
  return { margin, loss: Math.log1p(Math.exp(-margin)), weight: beta / (1 + Math.exp(margin)) };
}

/** The advantages of a group of answers. As group_advantages in minillm.adapt.grpo. */
export function advantages(rewards, normalise) {
  const mean = rewards.reduce((a, b) => a + b) / rewards.length;
  const better = rewards.map((r) => r - mean);
  const deviation = Math.sqrt(better.reduce((sum, b) => sum + b * b, 0) / (rewards.length - 1));
  return { mean, deviation, gains: normalise ? better.map((b) => b / (deviation + 1e-4)) : better };
}

const across = (low, high, n = 121) => Array.from({ length: n }, (_, i) => low + (high - low) * i / (n - 1));
const dot = (c, point) => svg("circle", { class: "ml-dot", cx: c.at(point)[0], cy: c.at(point)[1], r: 5 });
const bold = (name, text) => h("b", { "data-number": name }, text);

function renderClip({ model, el }) {
  const picture = chart({ x: [0, 2], y: [-4, 4], names: ["ratio of probabilities, new to old", "loss of the token"] });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "clip", label: "The clipped loss of PPO", parts: [picture.el, read], draw, controls: {
    ratio: (tell) => slider("ratio", { min: 0, max: 2, step: 0.01, format: (v) => numberText(v) }, tell),
    advantage: (tell) => slider("advantage", { min: -2, max: 2, step: 0.1, format: (v) => numberText(v, 1) }, tell),
    clip: (tell) => slider("clip ε", { min: 0.05, max: 0.5, step: 0.05, format: (v) => numberText(v) }, tell) } });

  function draw({ ratio, advantage, clip }) {
    const { loss, gradient } = clipped(ratio, advantage, clip);
    const line = (f) => picture.path(across(0, 2).map((r) => [r, f(r)]));
    picture.set(`the loss of a token against the ratio; at ${numberText(ratio)} it is ${numberText(loss)}`,
      [1 - clip, 1 + clip].map((edge) => guide(picture, [edge, -4], [edge, 4])),
      svg("path", { class: "ml-stroke ml-faint", d: line((r) => -r * advantage) }),
      svg("path", { class: "ml-stroke ml-query", d: line((r) => clipped(r, advantage, clip).loss) }), dot(picture, [ratio, loss]));
    const wants = advantage > 0 ? "more probable" : "less probable";
    read.replaceChildren("Loss ", bold("loss", numberText(loss)), ", gradient in log π ", bold("gradient", numberText(gradient)), ". ",
      advantage === 0 ? "The answer did as well as expected, so nothing pushes." : gradient === 0
        ? `The token has already become ${wants} by more than ${numberText(clip)}, so it pushes no further with this batch.`
        : Math.abs(ratio - 1) > clip ? `The token has moved against its advantage. No clip stops the push back: the loss follows the dashed line.`
          : `The token is pushed to become ${wants}; the clip does not act yet.`);
  }
  el.append(shown.el);
  return shown.end;
}

function renderMargin({ model, el }) {
  const picture = chart({ x: [-6, 6], y: [0, 6], names: ["margin", "loss of the pair"] });
  const read = h("p", { className: "ml-read", role: "status" });
  const range = { min: -6, max: 6, step: 0.1, format: (v) => `${v > 0 ? "+" : ""}${numberText(v, 1)}` };
  const shown = panel({ model, name: "margin", label: "The margin of DPO", parts: [picture.el, read], draw, controls: {
    chosen: (tell) => slider("chosen: log p", range, tell), rejected: (tell) => slider("rejected: log p", range, tell),
    beta: (tell) => slider("β", { min: 0.05, max: 0.5, step: 0.05, format: (v) => numberText(v) }, tell) } });

  function draw({ chosen, rejected, beta }) {
    const { margin, loss, weight } = pairLoss(chosen, rejected, beta);
    picture.set(`the loss of a pair against its margin; at a margin of ${numberText(margin)} it is ${numberText(loss, 3)}`, guide(picture, [0, 0], [0, 6]),
      svg("path", { class: "ml-stroke ml-query", d: picture.path(across(-6, 6).map((m) => [m, pairLoss(m, 0, 1).loss])) }), dot(picture, [margin, loss]));
    const both = chosen < 0 && rejected < 0 && margin > 0;
    read.replaceChildren("Margin ", bold("margin", numberText(margin)), ", loss ", bold("loss", numberText(loss, 3)), "; the pair pushes with a weight of ",
      bold("weight", numberText(weight, 3)), ". ", both ? "Both answers have become less probable than under the reference, and the loss has fallen all the same."
        : margin < 0 ? "The policy prefers the rejected answer, so the pair pushes with more than half of β."
          : "Only the difference counts: move both sliders by as much, and nothing changes.");
  }
  el.append(shown.el);
  return shown.end;
}

/** Answers that are right or wrong, a button for each. */
function answers(tell) {
  const el = h("div", { className: "ml-answers", role: "group", "aria-label": "answers" });
  return { el, set(rewards) {
    if (el.childElementCount !== rewards.length) {
      el.replaceChildren(...rewards.map((_, i) => h("button", { type: "button", onclick: () => tell(el.now.map((r, j) => (i === j ? 1 - r : r))) })));
    }
    el.now = rewards;
    [...el.children].forEach((button, i) => {
      button.textContent = `${i + 1} ${rewards[i] ? "✓" : "✗"}`;
      button.setAttribute("aria-pressed", String(rewards[i] === 1));
      button.setAttribute("aria-label", `answer ${i + 1} is right`);
    });
  } };
}

function renderGroup({ model, el }) {
  const picture = chart({ x: [0.5, 8.5], y: [-3.2, 3.2], names: ["answer", "advantage"] });
  const read = h("p", { className: "ml-read", role: "status" });
  const shown = panel({ model, name: "group", label: "Advantages within a group", parts: [picture.el, read], draw, controls: {
    rewards: answers, normalise: (tell) => toggle("÷ deviation", tell) } });

  function draw({ rewards, normalise }) {
    const { mean, deviation, gains } = advantages(rewards, normalise);
    picture.set(`advantages ${gains.map((g) => numberText(g, 3)).join(", ")}`, guide(picture, [0.5, 0], [8.5, 0]), gains.map((gain, i) => {
      const [[x0, top], [x1, zero]] = [picture.at([i + 0.7, gain]), picture.at([i + 1.3, 0])];
      return [svg("rect", { class: `ml-fill ml-${gain < 0 ? "key" : "value"}`, x: x0, width: x1 - x0, y: Math.min(top, zero), height: Math.abs(top - zero) }),
        svg("text", { class: "ml-tick", "data-gain": i, x: (x0 + x1) / 2, y: gain < 0 ? top + 12 : top - 4, "text-anchor": "middle" }, numberText(gain, 3))];
    }));
    const right = rewards.filter((r) => r).length;
    read.replaceChildren(`${right} of ${rewards.length} answers are right: mean `, bold("mean", numberText(mean, 3)), ", standard deviation ", bold("deviation", numberText(deviation, 3)), ". ",
      deviation === 0 ? "All answers are equally good, so every advantage is zero and this question teaches nothing."
        : right * 2 < rewards.length ? "A right answer is rare here, so each one counts for much." : right * 2 > rewards.length ? "A wrong answer is rare here, so each one counts for much."
          : "Right and wrong balance, so each answer counts alike.");
  }
  el.append(shown.el);
  return shown.end;
}

const RENDERS = { clip: renderClip, margin: renderMargin, group: renderGroup };

export default { render: (given) => RENDERS[given.model.get("kind")](given) };
