// What waits to go out: the seconds that are left, counted down on this machine's own clock; and a reason being typed.

const known = new WeakMap();

function show() {
  for (const place of document.querySelectorAll("[data-goes]")) {
    const given = place.dataset.goes;
    if (known.get(place)?.given !== given) known.set(place, { given, until: performance.now() + 1000 * Number(given) });
    const left = Math.ceil((known.get(place).until - performance.now()) / 1000);
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    const words = left > 0 ? place.dataset.left.replace("{}", clock) : place.dataset.due;
    if (place.textContent !== words) place.textContent = words;
  }
}

// News of the kill switch must not take away what somebody types beside it; sending answers with how it stands.
document.addEventListener("htmx:before:swap", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (source?.id === "switch" && source.querySelector(":popover-open")) event.preventDefault();
});

setInterval(show, 1000);
document.addEventListener("htmx:after:swap", show);
show();
