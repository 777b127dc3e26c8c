// The keyboard is never lost: after a decision, news or a closed sheet it is with what is shown, and letters act at once.

const decided = new WeakSet(); // what was asked; news may come in between and is no decision
const held = new WeakMap(); // where within the conversation the keyboard was before each answer is drawn

const place = document.getElementById("conversation");
const is_lost = () => !document.activeElement || document.activeElement === document.body;
const head = () => document.querySelector(".pane-head h2") ?? document.getElementById("main");

// A swap that keeps the page's elements keeps the focus too; any other would leave it in the next one's reply.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail, { request, response, sourceElement } = ctx, at = document.activeElement;
  const drawn = !(sourceElement?.getAttribute?.("hx-swap") ?? "").includes("Morph");
  if (request?.method === "POST" && response?.status < 300 && drawn) decided.add(ctx);
  if (place.contains(at)) held.set(ctx, { at, sends: sourceElement?.id === "reply" });
});

document.addEventListener("htmx:after:swap", (event) => {
  const was = held.get(event.detail.ctx);
  const note = document.getElementById("note-words");
  if (note?.value && note === document.activeElement) return; // somebody is at the next one already
  const why = event.detail.ctx?.response?.status === 422 && place.querySelector(".reason input");
  if (why) return why.focus(); // nothing goes out before it is filled
  // Whoever asks for another draft while writing, or waits there for it, goes on writing.
  const words = was?.at.id === "words" && !was.sends && document.getElementById("words");
  if (decided.has(event.detail.ctx) || (was && is_lost())) (words || head()).focus({ preventScroll: true });
  if (words && words !== was.at) words.setSelectionRange(words.value.length, words.value.length);
});

// Where a sheet was opened from may be gone, or may have been nowhere.
document.addEventListener("toggle", (event) => {
  const { target } = event;
  if (event.newState !== "closed" || !target.matches("[popover]")) return;
  if (is_lost() || target.contains(document.activeElement)) head().focus({ preventScroll: true });
}, true);
