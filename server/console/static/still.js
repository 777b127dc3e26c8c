// News moves nothing that is being read or typed: what comes above the reply is scrolled away by as much as it takes.

const place = document.getElementById("conversation");
const held = new WeakMap(); // the reply, and where on the screen it stood before each piece of news is drawn

const anchor = () => document.getElementById("words") ?? place.querySelector(".pane");
const top_of = (element) => element.getBoundingClientRect().top;
const scroller = () => {
  const main = document.getElementById("main");
  return getComputedStyle(main).overflowY === "visible" ? document.scrollingElement : main; // a phone scrolls the page
};

document.addEventListener("htmx:before:swap", (event) => {
  const at = anchor();
  if (at && ["here", "switch"].includes(event.detail.ctx.sourceElement?.id)) held.set(event.detail.ctx, { at, top: top_of(at) });
});

document.addEventListener("htmx:after:swap", (event) => {
  const was = held.get(event.detail.ctx);
  if (was?.at.isConnected) scroller().scrollTop += top_of(was.at) - was.top;
});
