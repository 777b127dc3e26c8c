// The digits of one annotation: each picks a category; never while typing or while a conversion is open.

const form = document.getElementById("label");
const writing = (target) => target.closest("input:not([type=radio]), textarea, select") !== null;

addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing(event.target) || localStorage.getItem("kakari-letters") === "off") return;
  const digit = /^(Digit|Numpad)[1-9]$/.test(event.code) && form.querySelector(`[data-digit="${event.code.at(-1)}"]`);
  if (!digit) return;
  event.preventDefault();
  digit.checked = true;
  digit.focus();
});
