// What is being typed: whether it differs from the draft, what was changed, and how long people have waited.

const words = () => document.getElementById("words");
const noted = () => Boolean(document.getElementById("note-words")?.value);

function changed(text, draft) {
  const given = Array.from(draft), now = Array.from(text);
  let head = 0, tail = 0;
  while (head < given.length && head < now.length && given[head] === now[head]) head++;
  while (tail < given.length - head && tail < now.length - head && given.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const part = (letters, from, to) => letters.slice(from, to).join("");
  return {
    before: part(given, Math.max(0, head - 12), head),
    gone: part(given, head, given.length - tail),
    come: part(now, head, now.length - tail),
    after: part(now, now.length - tail, Math.min(now.length, now.length - tail + 12)),
  };
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
  const { before, gone, come, after } = changed(area.value, draft);
  place.replaceChildren("…", before, element("del", gone), element("ins", come), after, "…");
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

addEventListener("input", (event) => { if (event.target === words() || event.target.id === "note-words") show(); });
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
