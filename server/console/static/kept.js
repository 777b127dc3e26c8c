// A reply being written is kept in this tab until it is sent: moving on, a fault or a reload loses none.

const by = document.querySelector("[data-by]").dataset.by;
const PREFIX = "kakari-reply ", own = `${PREFIX}${by} `;
const area = () => document.getElementById("words");
const place = () => document.querySelector("[data-conversation]")?.dataset.conversation;
const draft = () => area().closest("[data-item]")?.dataset.item ?? null;
const kept = (of) => JSON.parse(sessionStorage.getItem(own + of) ?? "null");
const untouched = (words) => words.value === (words.dataset.draft ?? "");
let asked = null;

// What another person typed in this tab is nobody else's to see.
for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX) && !name.startsWith(own)) sessionStorage.removeItem(name);

function keep() {
  const words = area(), of = place();
  if (untouched(words) || !words.value.trim()) sessionStorage.removeItem(own + of);
  else {
    try { sessionStorage.setItem(own + of, JSON.stringify({ text: words.value, draft: draft() })); }
    catch { /* no room: what is typed stands on the screen all the same */ }
  }
  mark();
}

function put(text) {
  const words = area();
  words.value = text;
  words.dispatchEvent(new Event("input", { bubbles: true }));
}

// Words that were typed over this very draft go back into it; over another one they are only shown.
function restore() {
  const words = area(), found = words && kept(place()), box = document.getElementById("kept");
  if (!box) return;
  const fits = found && found.draft === draft();
  if (fits && untouched(words)) put(found.text);
  box.hidden = !found || fits || words.value === found.text;
  box.querySelector(".text").textContent = box.hidden ? "" : found.text;
}

function mark() {
  for (const row of document.querySelectorAll("[data-row]")) {
    const there = sessionStorage.getItem(own + row.id.slice("row-".length)) !== null, made = row.querySelector(".kept-mark");
    if (!there) made?.remove();
    else if (!made) {
      const line = document.createElement("span");
      line.className = "kept-mark";
      line.textContent = document.querySelector("[data-by]").dataset.kept;
      row.querySelector(".facts").append(line);
    }
  }
}

addEventListener("input", (event) => { if (event.target === area()) keep(); });
addEventListener("click", (event) => {
  const does = event.target.closest?.("[data-kept-does]")?.dataset.keptDoes;
  if (!does) return;
  const { text } = kept(place());
  if (does === "put") put(text);
  else { sessionStorage.removeItem(own + place()); mark(); }
  restore();
  area().focus();
});

document.addEventListener("htmx:before:request", (event) => {
  if (event.detail.ctx.sourceElement?.id === "reply") asked = { of: place(), text: area().value };
});
document.addEventListener("htmx:after:request", (event) => {
  const { sourceElement, response } = event.detail.ctx;
  if (sourceElement?.id !== "reply" || !asked) return;
  const { of, text } = asked;
  asked = null;
  // What was typed while it was on its way has not been sent.
  if (response?.status < 300 && kept(of)?.text === text) sessionStorage.removeItem(own + of);
});
document.addEventListener("htmx:after:swap", () => { restore(); mark(); });
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") !== "/sign-out") return;
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
});
restore();
mark();
