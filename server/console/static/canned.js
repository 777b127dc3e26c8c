// Canned replies: a `/` at the start of a line of the reply opens a list, which narrows while its name is typed.

const LINE_START = /(^|\n)[/／]([^\s/／]{0,40})$/;
const FRESH_MILLISECONDS = 5000;
let kept = [], loaded = 0, loading = null;
let shown = null;  // where the `/` stands, and which option is marked; null while the list is closed
let left = null;  // the start of the line on which somebody has closed it

const area = () => document.getElementById("words");
const list = () => document.getElementById("canned");
const said = () => document.getElementById("canned-said");
const converting = (event) => event.isComposing || event.keyCode === 229;
const filled = (text) => {
  const name = document.querySelector("[data-conversation]")?.dataset.name;
  return name ? text.replaceAll("{name}", name) : text;
};

// Whether there is anything newer; what is there already is shown meanwhile. Whoever asks while it comes waits for it too.
async function load() {
  if (!loading && Date.now() - loaded < FRESH_MILLISECONDS) return false;
  loading ??= fetched().finally(() => { loading = null; });
  return loading;
}

async function fetched() {
  loaded = Date.now();
  const asked = fetch("/v1/canned-replies", { headers: { Accept: "application/json" } });
  const answer = await asked.catch(() => null); // the server is away: what is there already is all there is
  if (answer?.ok) kept = (await answer.json()).items;
  return Boolean(answer?.ok);
}

function typed() {
  const words = area();
  if (!words || words.selectionStart !== words.selectionEnd) return null;
  const found = LINE_START.exec(words.value.slice(0, words.selectionStart));
  return found && { at: words.selectionStart - found[2].length - 1, name: found[2] };
}

async function look() {
  const now = typed();
  if (!now || now.at === left) { if (!now) left = null; close(); return; }
  shown ??= { at: now.at, marked: 0 };
  draw(now);
  if (!(await load())) return;
  const still = typed();
  if (still && still.at !== left) draw(still);
}

function draw(now) {
  const found = kept.filter((each) => each.name.toLowerCase().startsWith(now.name.toLowerCase()));
  shown = { at: now.at, marked: Math.min(shown?.marked ?? 0, Math.max(found.length - 1, 0)) };
  document.getElementById("canned-none").hidden = kept.length > 0 || now.name !== "";
  list().replaceChildren(...found.map(option));
  list().hidden = !found.length;
  if (!found.length) { shown = null; area().removeAttribute("aria-activedescendant"); said().textContent = ""; return; }
  said().textContent = said().dataset.many.replace("{num}", found.length);
  mark(shown.marked);
}

function option(reply, number) {
  const made = document.createElement("li"), name = document.createElement("b"), text = document.createElement("span");
  made.id = `canned-${number}`;
  made.lang = "ja";
  made.setAttribute("role", "option");
  made.dataset.text = reply.text;
  name.textContent = `/${reply.name}`;
  text.textContent = filled(reply.text);
  made.append(name, " ", text);
  return made;
}

function mark(number) {
  shown.marked = number;
  [...list().children].forEach((each, at) => each.setAttribute("aria-selected", at === number));
  const marked = list().children[number];
  area().setAttribute("aria-activedescendant", marked.id);
  marked.scrollIntoView({ block: "nearest" });
}

function close() {
  shown = null;
  if (!list()) return;
  list().hidden = true;
  document.getElementById("canned-none").hidden = true;
  said().textContent = "";
  area().removeAttribute("aria-activedescendant");
}

// As if it had been typed: it can be taken back, it is shown in the diff, and nothing is sent by it.
function insert(chosen) {
  const words = area(), text = filled(chosen.dataset.text), at = shown.at;
  close();
  words.focus();
  words.setSelectionRange(at, words.selectionEnd);
  if (!document.execCommand("insertText", false, text)) words.setRangeText(text, at, words.selectionEnd, "end");
  check();
  const blank = words.value.indexOf("{name}", at);
  if (blank >= 0) words.setSelectionRange(blank, blank + "{name}".length);
}

// A blank that nobody has filled keeps the reply back.
function check() {
  area()?.setCustomValidity(area().value.includes("{name}") ? said().dataset.unfilled : "");
}

document.addEventListener("input", (event) => {
  if (event.target !== area()) return;
  check();
  if (!event.isComposing) look();
});
document.addEventListener("htmx:after:swap", check);
document.addEventListener("focusin", (event) => { if (event.target === area()) load(); });
document.addEventListener("compositionend", (event) => { if (event.target === area()) look(); });
document.addEventListener("focusout", (event) => { if (event.target === area()) close(); });
document.addEventListener("selectionchange", () => {
  if (shown && document.activeElement === area() && typed()?.at !== shown.at) close();
});

// Before the console's own keys: what the list takes, nothing else hears.
document.addEventListener("keydown", (event) => {
  if (!shown || list().hidden || event.target !== area() || converting(event)) return;
  const many = list().children.length;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark((shown.marked + step + many) % many);
  else if (event.key === "Enter") { if (!event.ctrlKey && !event.metaKey) insert(list().children[shown.marked]); }
  else if (event.key === "Escape") { left = shown.at; close(); }
  else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("pointerdown", (event) => {
  if (event.target.closest?.(".canned")) event.preventDefault();  // the text keeps the focus
});
document.addEventListener("mousedown", (event) => {
  if (event.target.closest?.(".canned")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  const chosen = event.target.closest?.("#canned [role=option]");
  if (chosen && shown) insert(chosen);
});
