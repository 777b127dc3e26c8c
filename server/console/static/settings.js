// What somebody has set for this browser, kept in it; and Enter that sends, where they want it to.

const AFTER_CONVERSION = 100; // milliseconds: Safari ends a conversion before it tells of the Enter that ended it
const key = (name) => `kakari-${name}`;
const is_on = (box) => (localStorage.getItem(key(box.dataset.setting)) ?? box.dataset.unset) === "on";
const boxes = () => document.querySelectorAll("[data-setting]");

function show() {
  for (const box of boxes()) box.checked = is_on(box) && !(box.dataset.setting === "desktop" && !permitted());
}

const permitted = () => "Notification" in window && Notification.permission === "granted";

async function set(box) {
  let on = box.checked;
  if (box.dataset.setting === "desktop" && on) on = "Notification" in window && (await Notification.requestPermission()) === "granted";
  document.getElementById("not-permitted").hidden = box.dataset.setting !== "desktop" || on || !box.checked;
  localStorage.setItem(key(box.dataset.setting), on ? "on" : "off");
  show();
  document.dispatchEvent(new CustomEvent("kakari:set", { detail: box.dataset.setting }));
}

for (const box of boxes()) box.addEventListener("change", () => set(box));
addEventListener("storage", show); // another tab of this browser
show();

let ended = -Infinity;
addEventListener("compositionend", (event) => { ended = event.timeStamp; }, true);

addEventListener("keydown", (event) => {
  if (event.target.id !== "words" || event.key !== "Enter" || event.repeat) return;
  if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.isComposing || event.keyCode === 229 || event.timeStamp - ended < AFTER_CONVERSION) return;
  const enter = document.querySelector('[data-setting="enter"]');
  const button = event.target.form.querySelector('[data-key="send"]');
  if (!enter || !is_on(enter) || !button) return;
  event.preventDefault();
  document.dispatchEvent(new CustomEvent("kakari:act", { detail: "send" })); // the same as the key that sends
});
