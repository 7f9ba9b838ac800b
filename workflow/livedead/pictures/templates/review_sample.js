"use strict";

const { sample, cells } = JSON.parse(document.getElementById("data").textContent);
const NAMES = { live: "live", dead: "dead", ambiguous: "ambiguous", none: "no cell" };
const KEYS = { l: "live", d: "dead", a: "ambiguous", x: "none" };
const KEPT = ["livedead judgements", sample.cells_sha256, sample.cells, sample.seed].join(" ");
const LONG_S = 20; // A longer time for one cell was a break.
const element = (id) => document.getElementById(id);

/** What was judged, in the order of `cells`; the next cell is that after the last. */
const state = { judged: [], reviewer: "" };
/** Seconds that each of the cells of this sitting took. */
const seconds = [];
let shownAt = performance.now();

function restore() {
  try {
    Object.assign(state, JSON.parse(localStorage.getItem(KEPT) ?? "{}"));
  } catch {
    element("not-kept").hidden = false;
  }
}

function keep() {
  try {
    localStorage.setItem(KEPT, JSON.stringify(state));
  } catch {
    element("not-kept").hidden = false;
  }
}

function judge(answer) {
  if (state.judged.length === cells.length) return;
  const took = (performance.now() - shownAt) / 1000;
  if (took < LONG_S) seconds.push(took);
  state.judged.push(answer);
  keep();
  show();
}

function undo() {
  if (!state.judged.length) return;
  state.judged.pop();
  keep();
  show();
}

function show() {
  const n = state.judged.length;
  const done = n === cells.length;
  element("bar").value = n;
  element("progress").textContent = `${n} of ${cells.length} judged${done ? "" : timeLeft(cells.length - n)}`;
  element("last").textContent = n ? `cell ${cells[n - 1].cell}: ${NAMES[state.judged[n - 1]]}` : "";
  element("undo").disabled = n === 0;
  element("done").hidden = !done;
  element("crop").toggleAttribute("hidden", done);
  element("download").disabled = n === 0;
  element("download").classList.toggle("ready", done);
  for (const button of document.querySelectorAll("[data-judged]")) button.disabled = done;
  if (done) return;
  const { cell, picture, outline } = cells[n];
  element("which").textContent = `Cell ${cell}, outlined in the middle of its surroundings`;
  element("picture").setAttribute("href", picture);
  const points = outline.map((point) => point.join(",")).join(" ");
  for (const polygon of document.querySelectorAll("#outline polygon")) polygon.setAttribute("points", points);
  shownAt = performance.now();
}

/** Time for the cells that are left, at the median pace so far. */
function timeLeft(n) {
  if (seconds.length < 10) return "";
  const median = [...seconds].sort((a, b) => a - b)[seconds.length >> 1];
  return `, about ${Math.ceil((median * n) / 60)} min left`;
}

function toggleOutline() {
  const isShown = element("outline").toggleAttribute("hidden") === false;
  element("toggle").setAttribute("aria-pressed", String(isShown));
}

function download() {
  const judgements = state.judged.map((judged, k) => ({ cell: cells[k].cell, judged }));
  const record = { livedead: "judgements", version: 1, reviewer: state.reviewer.trim(), ...sample, judgements };
  const link = document.createElement("a");
  const name = state.reviewer.trim().replace(/[^\p{L}\p{N}]+/gu, "-");
  link.href = URL.createObjectURL(new Blob([`${JSON.stringify(record, null, 1)}\n`], { type: "application/json" }));
  link.download = [sample.plate, "judgements", name].filter(Boolean).join("-") + ".json";
  link.click();
  URL.revokeObjectURL(link.href);
}

document.addEventListener("keydown", (event) => {
  if (event.target === element("reviewer") || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key in KEYS) {
    if (!event.repeat) judge(KEYS[key]);
  } else if (key === "backspace") undo();
  else if (key === "o") toggleOutline();
  else return;
  event.preventDefault();
});
for (const button of document.querySelectorAll("[data-judged]")) {
  button.addEventListener("click", () => judge(button.dataset.judged));
}
element("undo").addEventListener("click", undo);
element("toggle").addEventListener("click", toggleOutline);
element("download").addEventListener("click", download);
element("reviewer").addEventListener("input", (event) => {
  state.reviewer = event.target.value;
  keep();
});

restore();
element("reviewer").value = state.reviewer;
show();
