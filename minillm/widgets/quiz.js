// A quiz: data in (`questions`), events out (`answers`). Progress stays in this browser.

// What is kept is the text of the chosen option: its place may change, its words say what was meant.
function load(chapter, questions) {
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(`minillm-quiz-${chapter}`))?.answers ?? {}; } catch { /* forbidden */ }
  const places = questions.map((q) => [q.question, q.options.findIndex((o) => o.text === kept[q.question])]);
  return Object.fromEntries(places.filter(([, place]) => place >= 0));
}

function save(chapter, questions, answers) {
  const chosen = questions.filter((q) => q.options[answers[q.question]])
    .map((q) => [q.question, q.options[answers[q.question]].text]);
  const kept = { answers: Object.fromEntries(chosen), right: countRight(questions, answers), of: questions.length };
  try { localStorage.setItem(`minillm-quiz-${chapter}`, JSON.stringify(kept)); } catch { /* private window */ }
}

/** How many of the chosen options are right. */
export function countRight(questions, answers) {
  return questions.filter((q) => q.options[answers[q.question]]?.right).length;
}

/** The line of feedback for an option: the verdict in words, then the reason. */
export function feedbackText(option) {
  return `${option.right ? "✓ Right." : "✗ Not quite."} ${option.feedback}`;
}

function questionView(question, number, chosen, choose) {
  const feedback = h("p", { className: "ml-feedback", role: "status" });
  const rows = question.options.map((option, i) => {
    const input = h("input", { type: "radio", name: `q${number}`, checked: i === chosen,
      "data-lm-suppress-shortcuts": "true", onchange: () => choose(i) });
    return h("label", { className: "ml-option" }, input, h("span", {}, option.text));
  });
  const set = h("fieldset", {}, h("legend", {}, `${number + 1}. ${question.question}`), ...rows, feedback);
  const show = (i) => {
    const option = question.options[i];
    rows.forEach((row, k) => { row.dataset.state = k !== i ? "" : option.right ? "right" : "wrong"; });
    feedback.dataset.state = option ? (option.right ? "right" : "wrong") : "";
    feedback.textContent = option ? feedbackText(option) : "Choose an answer.";
    set.insertBefore(feedback, option ? rows[i].nextSibling : null);
  };
  const reserve = () => {                                  // room for the longest feedback: nothing jumps
    feedback.style.minHeight = "";
    const heights = question.options.map((option) => {
      feedback.textContent = feedbackText(option);
      return feedback.getBoundingClientRect().height;
    });
    feedback.style.minHeight = `${Math.max(...heights)}px`;
  };
  return { set, show, reserve };
}

function render({ model, el }) {
  const chapter = model.get("chapter");
  const questions = model.get("questions");
  const score = h("p", { className: "ml-note", role: "status" });
  const again = h("button", { type: "button", onclick: () => keep({}) }, "Start again");
  const chosenIn = (q, answers) => (q.options[answers[q.question]] ? answers[q.question] : undefined);
  let answers = load(chapter, questions);

  const views = questions.map((q, n) => questionView(q, n, chosenIn(q, answers),
    (i) => keep({ ...answers, [q.question]: i })));
  const form = h("form", { className: "ml-root ml-quiz", onsubmit: (e) => e.preventDefault(), "aria-label": "Quiz" },
    ...views.map((v) => v.set), h("div", { className: "ml-controls" }, score, again));

  function show() {
    views.forEach((view, n) => view.show(chosenIn(questions[n], answers)));
    score.textContent = `${countRight(questions, answers)} of ${questions.length} right`;
  }
  function keep(next) {
    answers = next;
    save(chapter, questions, answers);
    if (!Object.keys(answers).length) form.querySelectorAll("input").forEach((input) => { input.checked = false; });
    show();
    model.set("answers", answers);
    model.save_changes();
  }
  el.append(form);
  views.forEach((view) => view.reserve());
  show();
  return () => form.remove();
}

export default { render };
