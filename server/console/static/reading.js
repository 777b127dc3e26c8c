// The send key acts on what somebody can have read: once it has stood here for a second, and not while another one comes.

const READ_MILLISECONDS = 1_000;
const place = document.getElementById("conversation"), line = document.getElementById("not-yet");
const coming = new Set(); // requests whose answer will stand in the place
let shown = "", fresh = false, until = 0;

// What is answered, and up to which message: a draft that takes another's place is as new as another conversation.
function what() {
  const reply = document.getElementById("reply");
  const parts = [place.querySelector(".pane")?.dataset.conversation, reply?.action, reply?.elements.version.value];
  return reply ? parts.join(" ") : "";
}

function paint() {
  const waits = fresh || coming.size > 0;
  place.toggleAttribute("data-fresh", waits);
  if (!waits) line.hidden = true;
}

function begin() {
  clearTimeout(until);
  fresh = shown !== "";
  // From its first picture on: a tab that nobody sees draws none.
  if (fresh) requestAnimationFrame(() => {
    clearTimeout(until);
    until = setTimeout(() => { fresh = false; paint(); }, READ_MILLISECONDS);
  });
}

function look() {
  const now = what();
  if (now !== shown) { shown = now; begin(); }
  paint();
}

const is_here = (ctx) => ctx.target === place && ctx.sourceElement?.id !== "here";
const came = (event) => { if (coming.delete(event.detail.ctx)) paint(); };

document.addEventListener("htmx:before:request", (event) => {
  if (is_here(event.detail.ctx)) { coming.add(event.detail.ctx); paint(); }
});
document.addEventListener("htmx:after:swap", (event) => { coming.delete(event.detail.ctx); look(); });
document.addEventListener("htmx:finally:request", came);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && fresh) begin();
});

document.addEventListener("kakari:send", (event) => {
  if (!place.hasAttribute("data-fresh")) return;
  event.preventDefault();
  line.textContent = coming.size ? line.dataset.coming : line.dataset.fresh;
  line.hidden = false;
});
look();
