// Keys: the table comes with the page. Nothing acts while a conversion is open, and single letters only outside a text.

const table = JSON.parse(document.getElementById("keys").textContent);
const LETTERS = "kakari-letters";

// Safari and some input methods tell of an open conversion by the key code alone.
const converting = (event) => event.isComposing || event.keyCode === 229;
const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
const find = (name) => [...document.querySelectorAll(`[data-key="${name}"]`)].find((each) => each.checkVisibility());
// What stands here too briefly to have been read is not sent by a key; the page says so.
const may_send = () => document.dispatchEvent(new Event("kakari:send", { cancelable: true }));
const rows = () => [...document.querySelectorAll("[data-row]")];

function step(by) {
  const all = rows();
  const at = all.findIndex((row) => row.getAttribute("aria-current"));
  const next = all[at < 0 ? 0 : at + by];
  if (next) { next.click(); next.focus(); next.scrollIntoView({ block: "nearest" }); }
  else if (by > 0) document.querySelector("#rows [data-next]")?.click(); // the next page; the next key opens its first
}

function focus(element) {
  if (!element) return;
  element.focus();
  if (element.setSelectionRange) element.setSelectionRange(element.value.length, element.value.length);
}

const acts = {
  next: () => { const button = find("next"); if (button) button.click(); else step(1); },
  previous: () => step(-1),
  send: () => {
    // Where something else than the reply is being typed, its own form is what the key is for; the reply stays.
    const field = document.activeElement;
    if (typing(field) && field.form?.id !== "reply") {
      if (field.form?.dataset.saves !== undefined) field.form.requestSubmit();
      return;
    }
    const button = find("send");
    if (button && may_send()) button.form.requestSubmit(button);
  },
  edit: () => focus(document.getElementById("words")),
  suggest: again,
  suggest_typing: again,
  instruct: () => open(find("instruct")),
  refuse: () => open(find("refuse")),
  claim: () => find("claim")?.click(),
  note: () => focus(document.getElementById("note-words")),
  snooze: () => open(find("snooze")),
  search: () => { const field = document.getElementById("q"); field.focus(); field.select(); },
  sheet: () => document.getElementById("sheet").togglePopover(),
  palette: () => document.dispatchEvent(new Event("kakari:palette")),
  leave: (event) => leave(event),
};

// A draft that somebody has reworded is given up only where they say so, in the sheet that says what becomes of it.
function again() {
  if (document.querySelector("#reply.edited")) open(find("instruct"));
  else document.querySelector("#again .main, #ask .main")?.click();
}

// A sheet is closed by the browser, which gives the focus back. Where nothing is typed the draft in work is stopped.
function leave(event) {
  const left = document.activeElement;
  if (document.querySelector("[popover]:popover-open")) return;
  if (left?.id === "q") { event?.preventDefault(); to_queue(); return; }
  const stop = document.getElementById("stop"), writes = left?.id !== "words" && left && typing(left);
  if (stop && !writes && !document.getElementById("typed").value) stop.requestSubmit();
  else left?.blur();
}

// What is searched for stays as it is: field, list and address say the same.
const to_queue = () => document.querySelector(".queue").focus({ preventScroll: true });
document.getElementById("search")?.addEventListener("submit", () => {
  if (document.activeElement?.id === "q") to_queue();
});

function open(button) {
  if (!button) return;
  const sheet = document.getElementById(button.getAttribute("popovertarget"));
  if (!sheet) { button.click(); return; }
  sheet.showPopover();
  focus(sheet.querySelector("[data-pick], [data-first]") ?? sheet.querySelector("input[name=instruction]"));
}

function pick(event) {
  const sheet = document.querySelector("#refuse:popover-open");
  if (!sheet || typing(event.target)) return false;
  const button = /^(Digit|Numpad)[1-9]$/.test(event.code) && sheet.querySelector(`[data-pick="${event.code.at(-1)}"]`);
  if (button) button.form.requestSubmit(button);
  return Boolean(button);
}

addEventListener("keydown", (event) => {
  if (converting(event) || event.repeat && event.key === "Enter") return;
  if (pick(event)) { event.preventDefault(); return; }
  const mod = event.ctrlKey || event.metaKey;
  const key = table.find((each) =>
    each.code === event.code && each.mod === mod && each.alt === event.altKey && each.shift === event.shiftKey);
  if (!key || (typing(event.target) && !key.typing)) return;
  const single = !key.mod && !key.alt && key.code !== "Escape";
  if (single && localStorage.getItem(LETTERS) === "off") return;
  if (key.name !== "leave") event.preventDefault();
  acts[key.name](event);
});

// The one button that is no form's and opens nothing.
addEventListener("click", (event) => { if (event.target.closest?.('[data-key="edit"]')) acts.edit(); });

// The palette names a command of the table.
document.addEventListener("kakari:act", (event) => acts[event.detail]?.());
