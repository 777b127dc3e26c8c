// Tells once that a draft is on this person's screen: really in view, in a tab that is being looked at.

const told = new Set();
const inView = new IntersectionObserver((entries) => entries.forEach((entry) => {
  entry.target.dataset.inView = entry.isIntersecting ? "1" : "";
  tell();
}), { threshold: 0.5 });
let watched = null;

function look() {
  const words = document.querySelector(".draft[data-item] #words");
  if (words === watched) return;
  inView.disconnect();
  watched = words;
  if (words) inView.observe(words);
}

async function tell() {
  const draft = watched?.closest(".draft");
  if (!draft?.isConnected || !watched.dataset.inView || document.visibilityState !== "visible") return;
  const id = draft.dataset.item;
  if (told.has(id)) return;
  told.add(id);
  const answer = await fetch(`/v1/suggestions/${id}/displayed`, { method: "POST" }).catch(() => null);
  // Nobody waits for it: what was not taken now is told with the next look.
  if (answer === null || answer.status === 503) told.delete(id);
}

document.addEventListener("visibilitychange", tell);
document.addEventListener("htmx:after:swap", () => { look(); tell(); });
look();
