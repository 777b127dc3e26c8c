// What is being typed: whether it differs from the draft, what was changed, and how long people have waited.

const words = () => document.getElementById("words");
const noted = () => Boolean(document.getElementById("note-words")?.value);

const pieces = (text) => Array.from(new Intl.Segmenter("ja", { granularity: "word" }).segment(text), (each) => each.segment);
const AROUND = 12; // letters that are shown on either side of a change
const MOST_STEPS = 1_000_000; // two texts of a thousand words each; beyond that the changed middle is shown in one piece

// What became of the draft, as a list of [kept | gone | come, words]: the longest words in common stay.
function changed(text, draft) {
  const given = pieces(draft), now = pieces(text);
  let head = 0, tail = 0;
  while (head < given.length && head < now.length && given[head] === now[head]) head++;
  while (tail < given.length - head && tail < now.length - head && given.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const from = given.slice(head, given.length - tail), to = now.slice(head, now.length - tail);
  const wide = to.length + 1, common = new Uint16Array(from.length * to.length > MOST_STEPS ? 0 : (from.length + 1) * wide);
  for (let i = from.length - 1; common.length && i >= 0; i--)
    for (let j = to.length - 1; j >= 0; j--)
      common[i * wide + j] = from[i] === to[j] ? common[(i + 1) * wide + j + 1] + 1
        : Math.max(common[(i + 1) * wide + j], common[i * wide + j + 1]);
  const parts = [["kept", given.slice(0, head).join("")]];
  let gone = "", come = "", same = "";
  const flush = () => { parts.push(["gone", gone], ["come", come]); gone = come = ""; };
  for (let i = 0, j = 0; i < from.length || j < to.length;) {
    if (common.length && i < from.length && j < to.length && from[i] === to[j]) { same += from[i]; i++; j++; continue; }
    // One letter in common between two changes, such as a particle, is read more easily as changed with them.
    if (same.length === 1 && gone + come) { gone += same; come += same; } else if (same) { flush(); parts.push(["kept", same]); }
    same = "";
    if (i < from.length && (j === to.length || !common.length || common[(i + 1) * wide + j] >= common[i * wide + j + 1])) gone += from[i++];
    else come += to[j++];
  }
  flush();
  parts.push(["kept", same + now.slice(now.length - tail).join("")]);
  return parts.filter(([, words]) => words);
}

// Of what is kept, only the letters beside a change are shown.
function around(words, first, last) {
  const letters = Array.from(words), short = letters.length <= 2 * AROUND;
  if (first) return letters.length > AROUND ? `…${letters.slice(-AROUND).join("")}` : words;
  if (last) return letters.length > AROUND ? `${letters.slice(0, AROUND).join("")}…` : words;
  return short ? words : `${letters.slice(0, AROUND).join("")}…${letters.slice(-AROUND).join("")}`;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function show() {
  const area = words();
  if (!area) return;
  const draft = area.dataset.draft, edited = draft !== undefined && area.value !== draft;
  area.form.classList.toggle("edited", edited);
  document.getElementById("typed").value = (draft === undefined ? area.value !== "" : edited) || noted() ? "1" : "";
  const place = document.getElementById("diff");
  if (!place) return;
  place.hidden = !edited;
  if (!edited) return;
  const names = { gone: "del", come: "ins" };
  place.replaceChildren(...changed(area.value, draft).map(([kind, words], at, all) =>
    kind === "kept" ? around(words, at === 0, at === all.length - 1) : element(names[kind], words)));
}

// An answer about what is no longer on the screen, or that left before somebody began to type, would eat their words.
document.addEventListener("htmx:before:swap", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (sourceElement?.id !== "here") return;
  const asked = new URL(request.action, location.href).searchParams;
  const now = new FormData(document.getElementById("here"));
  if (["c", "tab", "q", "item", "typed", "after"].every((name) => (asked.get(name) ?? "") === (now.get(name) ?? ""))) return;
  event.preventDefault();
  htmx.trigger(sourceElement, "again");
});

addEventListener("input", (event) => {
  if (event.target === words() || event.target.id === "note-words") show();
  if (event.target === words()) words().scrollIntoView({ block: "nearest" }); // it grows; the buttons below it stay
});
document.addEventListener("htmx:after:settle", show);
document.addEventListener("htmx:after:swap", () => {
  show();
  const log = document.getElementById("messages");
  if (log && log.dataset.at !== "end") { log.scrollTop = log.scrollHeight; log.dataset.at = "end"; }
  const here = new URLSearchParams(location.search);
  for (const input of document.querySelectorAll("#here > input")) input.value = here.get(input.name) ?? "";
  for (const row of document.querySelectorAll("[data-row]")) {
    const current = row.id === `row-${here.get("c")}`;
    if (current) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
  }
});
show();
