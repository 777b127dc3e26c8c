// What a decision came to is told late: whoever has opened another conversation meanwhile keeps it, and is told all the same.

const place = document.getElementById("conversation");
const asked = new WeakMap(); // request to the conversation that it was made in
const TOLD = /<hx-partial hx-target="#notices"[^]*?<\/hx-partial>/;
const now_shown = () => place.querySelector(".pane")?.dataset.conversation ?? "";

document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.target === place && ctx.request.method === "POST") asked.set(ctx, now_shown());
});

// A refusal still takes the place: whoever believes that something was sent must learn that it was not.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (!asked.has(ctx) || asked.get(ctx) === now_shown() || !ctx.response.raw.ok) return;
  ctx.text = ctx.text.match(TOLD)?.[0] ?? "";
  ctx.swap = "none";
  ctx.hx.pushurl = "false";
});
