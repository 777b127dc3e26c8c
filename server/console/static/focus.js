// After a decision the keyboard is with the conversation that is shown: single letters act at once, readers hear its name.

let decided = false;

// A swap that keeps the page's elements keeps the focus too; any other would leave it in the next one's reply.
document.addEventListener("htmx:before:swap", (event) => {
  const { request, response, sourceElement } = event.detail.ctx;
  const drawn = !(sourceElement?.getAttribute?.("hx-swap") ?? "").includes("Morph");
  decided = request?.method === "POST" && response?.status < 300 && drawn;
});

document.addEventListener("htmx:after:swap", () => {
  if (!decided) return;
  decided = false;
  const note = document.getElementById("note-words");
  if (note?.value && note === document.activeElement) return; // somebody is at the next one already
  const shown = document.querySelector(".pane-head h2") ?? document.getElementById("main");
  shown.focus({ preventScroll: true });
});
