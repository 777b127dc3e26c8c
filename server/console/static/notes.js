// A private note being written: it is kept by its own key, and no redrawing and no other conversation loses it.

const drafts = new Map();
const area = () => document.getElementById("note-words");
const place = () => document.querySelector("[data-conversation]")?.dataset.conversation;
let asked = null;

addEventListener("input", (event) => {
  if (event.target !== area()) return;
  if (event.target.value) drafts.set(place(), event.target.value); else drafts.delete(place());
});

// Enter alone keeps nothing: it ends a line here as it does in the reply.
document.addEventListener("htmx:before:request", (event) => {
  if (event.detail.ctx.sourceElement?.id === "note") asked = { place: place(), words: area().value };
});

document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response } = event.detail.ctx;
  if (sourceElement?.id !== "note" || !asked) return;
  const { place: of, words } = asked;
  asked = null;
  if (!response || response.status >= 300) return;
  // What was typed while the note was on its way is the next one.
  if (drafts.get(of) === words) drafts.delete(of);
  if (place() !== of || area().value !== words) return;
  area().value = "";
  area().dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("htmx:after:swap", (event) => {
  const written = area();
  const kept = drafts.get(place());
  if (written && !written.value && kept && kept !== asked?.words) {
    written.value = kept;
    written.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (event.detail.ctx.sourceElement?.id === "note") {
    const log = document.getElementById("messages");
    log.scrollTop = log.scrollHeight;
  }
});
