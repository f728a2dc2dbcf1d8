// Predictions answered in the page, and what a reader has finished. Everything stays in this browser.
const PREFIX = "minillm-";

export function remember(key, value) {
  try { localStorage.setItem(PREFIX + key, JSON.stringify(value)); } catch { /* storage is forbidden */ }
}

export function recall(key) {
  try { return JSON.parse(localStorage.getItem(PREFIX + key)); } catch { return null; }
}

/** The value of an expression of numbers with + - * / ^ and brackets, or NaN. */
export function evaluate(text) {
  const tokens = text.replace(/[×·]/g, "*").replace(/−/g, "-").replace(/\*\*/g, "^").replace(/(\d)[_,'  ](?=\d{3}(\D|$))/g, "$1")
    .match(/\d+\.?\d*(e[-+]?\d+)?|\.\d+(e[-+]?\d+)?|[-+*/^()]|\S/gi) ?? [];
  let at = 0;
  const primary = () => {
    if (tokens[at] === "-") { at++; return -primary(); }
    if (tokens[at] === "(") { at++; const v = sum(); return tokens[at++] === ")" ? v : NaN; }
    return /^[\d.]/.test(tokens[at] ?? "") ? Number(tokens[at++]) : NaN;
  };
  const power = () => { const base = primary(); return tokens[at] === "^" ? (at++, base ** power()) : base; };
  const product = () => {
    let v = power();
    while (tokens[at] === "*" || tokens[at] === "/") v = tokens[at++] === "*" ? v * power() : v / power();
    return v;
  };
  const sum = () => {
    let v = product();
    while (tokens[at] === "+" || tokens[at] === "-") v = tokens[at++] === "+" ? v + product() : v - product();
    return v;
  };
  const value = sum();
  return at === tokens.length ? value : NaN;
}

/** The numbers that a reader typed: one, or several in brackets or with commas where `n` are asked for. */
export function readValues(text, n) {
  const parts = n === 1 ? [text] : text.replace(/^\s*[[(]|[\])]\s*$/g, "").split(/[,;×x]|\s+/).filter((s) => s.trim());
  return parts.map(evaluate);
}

/** Equal as far as a reader would write it: whole numbers exactly, others to three digits. */
export function near(got, want, whole) {
  return got.length === want.length
    && got.every((v, i) => (whole ? v === want[i] : Math.abs(v - want[i]) <= 5e-3 * Math.abs(want[i]) + 1e-9));
}

/** What to say to a prediction: {right, text}. */
export function judge(text, known) {
  const got = readValues(text, known.right.length);
  if (!got.length || got.some(Number.isNaN))
    return { right: false, text: known.right.length > 1
      ? `Type ${known.right.length} numbers, such as ${known.right.map((_, i) => i + 2).join(", ")}.`
      : "Type a number, such as 12, 0.5 or 3/7." };
  if (near(got, known.right, known.whole)) return { right: true, text: "✓ Right." };
  const mistake = known.wrong.find(([values]) => near(got, values, known.whole));
  if (mistake) return { right: false, text: `✗ ${mistake[1]}` };
  const side = known.right.length > 1 ? "" : got[0] > known.right[0] ? " It is smaller." : " It is larger.";
  return { right: false, text: `✗ Not quite.${side} Work it through once more, step by step.` };
}

function wirePrediction(form) {
  const known = JSON.parse(form.dataset.known), key = `predict-${form.dataset.name}`;
  const input = form.querySelector("input"), status = form.querySelector("[role=status]");
  const show = () => {
    const { right, text } = judge(input.value, known);
    status.textContent = text;
    form.dataset.state = right ? "right" : "wrong";
    return right;
  };
  form.addEventListener("submit", (e) => { e.preventDefault(); remember(key, { value: input.value, right: show() }); });
  const kept = recall(key);
  if (kept?.value) { input.value = kept.value; show(); }
  form.hidden = false;
}

function markRead(chapter) {
  const end = document.querySelector(".prev-next-footer, footer.bd-footer-article, .bd-footer");
  if (!end) return;
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((e) => e.isIntersecting) || window.scrollY === 0) return;
    remember(`read-${chapter}`, new Date().toISOString().slice(0, 10));
    observer.disconnect();
  }).observe(end);
}

function fillTable(table) {
  for (const row of table.querySelectorAll("tbody tr")) {
    const cell = (name) => row.querySelector(`[data-cell=${name}]`);
    const names = row.dataset.predictions.split(" ").filter(Boolean);
    const right = names.filter((name) => recall(`predict-${name}`)?.right).length;
    const quiz = recall(`quiz-${row.dataset.chapter}`);
    cell("read").textContent = recall(`read-${row.dataset.chapter}`) ?? "–";
    cell("quiz").textContent = row.dataset.quiz === "0" ? "" : quiz?.of ? `${quiz.right} of ${quiz.of}` : "–";
    cell("predict").textContent = names.length ? (right ? `${right} of ${names.length}` : "–") : "";
  }
}

const keys = () => Object.keys(localStorage).filter((k) => /^minillm-(read|quiz|predict)-/.test(k));

/** Put a saved file into the browser; an error in words if it is none. */
export function loadProgress(text) {
  let data;
  try { data = JSON.parse(text); } catch { throw new Error("This file is no progress of this book: it is not JSON."); }
  const entries = Object.entries(data?.minillm ?? {}).filter(([k]) => /^minillm-(read|quiz|predict)-/.test(k));
  if (!entries.length) throw new Error("This file holds no progress of this book.");
  for (const [k, v] of entries) localStorage.setItem(k, JSON.stringify(v));
  return entries.length;
}

function wireTools(tools, table) {
  const status = tools.querySelector("[role=status]");
  tools.querySelector("[data-do=save]").addEventListener("click", () => {
    const kept = Object.fromEntries(keys().map((k) => [k, JSON.parse(localStorage.getItem(k))]));
    const file = new Blob([JSON.stringify({ minillm: kept }, null, 1)], { type: "application/json" });
    const a = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: "minillm-progress.json" });
    a.click();
    URL.revokeObjectURL(a.href);
    status.textContent = `Saved ${keys().length} entries.`;
  });
  tools.querySelector("input").addEventListener("change", async (e) => {
    try { status.textContent = `Loaded ${loadProgress(await e.target.files[0].text())} entries.`; }
    catch (error) { status.textContent = error.message; }
    e.target.value = "";
    fillTable(table);
  });
  tools.querySelector("[data-do=forget]").addEventListener("click", () => {
    const all = keys();
    all.forEach((k) => localStorage.removeItem(k));
    status.textContent = `Forgot ${all.length} entries.`;
    fillTable(table);
  });
  tools.hidden = false;
}

if (typeof document !== "undefined") {
  document.querySelectorAll("form.ml-predict").forEach(wirePrediction);
  const chapter = location.pathname.match(/\/nbs\/(\w+)\.html$/)?.[1];
  if (chapter) markRead(chapter);
  const table = document.querySelector("table.ml-progress"), tools = document.querySelector(".ml-progress-tools");
  if (table && tools) { fillTable(table); wireTools(tools, table); }
}
