// Every command by its name: the list is the page's own, made from the table of keys; nothing acts during conversion.

const dialog = document.getElementById("palette"), find = document.getElementById("palette-find");
const list = document.getElementById("palette-list"), none = document.getElementById("palette-none");
const fold = (words) => words.normalize("NFKC").toLowerCase();
const options = () => [...list.children];
const shown = () => options().filter((option) => !option.hidden);

// The pages that the head of this one leads to.
for (const link of document.querySelectorAll("header.bar nav a[href]")) {
  const option = document.createElement("li");
  option.role = "option";
  option.dataset.href = link.getAttribute("href");
  option.textContent = link.textContent;
  list.append(option);
}
options().forEach((option, number) => { option.id = `command-${number}`; });

function choose(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) { find.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
  else find.removeAttribute("aria-activedescendant");
}

function filter() {
  const words = fold(find.value).split(/\s+/).filter(Boolean);
  for (const option of options()) {
    const text = fold(`${option.textContent} ${option.dataset.also ?? ""}`);
    const { press } = option.dataset; // what is pressed may not be there now, as where no emergency is open
    option.hidden = !words.every((word) => text.includes(word)) || Boolean(press && !document.querySelector(press));
  }
  none.hidden = shown().length > 0;
  choose(shown()[0]);
}

function step(by) {
  const all = shown(), at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  choose(all[(at + by + all.length) % all.length]);
}

function run(option) {
  if (!option) return;
  dialog.close(); // first: the focus is then where the command expects it
  const { act, href, press, open } = option.dataset;
  if (act) document.dispatchEvent(new CustomEvent("kakari:act", { detail: act }));
  if (href) location.assign(href);
  if (press) document.querySelector(press)?.click();
  if (open) document.getElementById(open).showPopover();
}

function toggle() {
  if (dialog.open) { dialog.close(); return; }
  for (const sheet of document.querySelectorAll("[popover]:popover-open")) sheet.hidePopover();
  find.value = "";
  dialog.showModal();
  filter();
}

document.addEventListener("kakari:palette", toggle);
find.addEventListener("input", filter);
list.addEventListener("click", (event) => run(event.target.closest("[role=option]")));
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("keydown", (event) => {
  event.stopPropagation(); // no other key of the page acts behind an open dialog
  if (event.isComposing || event.keyCode === 229) return;
  const does = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => run(shown().find((option) => option.getAttribute("aria-selected") === "true")),
  }[event.key] ?? (event.code === "KeyK" && (event.ctrlKey || event.metaKey) ? toggle : null);
  if (does) { event.preventDefault(); does(); }
});
