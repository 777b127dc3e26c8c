// After a decision the keyboard is with the conversation that is shown: single letters act at once, readers hear its name.

const decided = new WeakSet(); // what was asked; news may come in between and is no decision

// A swap that keeps the page's elements keeps the focus too; any other would leave it in the next one's reply.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail, { request, response, sourceElement } = ctx;
  const drawn = !(sourceElement?.getAttribute?.("hx-swap") ?? "").includes("Morph");
  if (request?.method === "POST" && response?.status < 300 && drawn) decided.add(ctx);
});

document.addEventListener("htmx:after:swap", (event) => {
  if (!decided.has(event.detail.ctx)) return;
  const note = document.getElementById("note-words");
  if (note?.value && note === document.activeElement) return; // somebody is at the next one already
  const shown = document.querySelector(".pane-head h2") ?? document.getElementById("main");
  shown.focus({ preventScroll: true });
});
