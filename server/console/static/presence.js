// Who else is in a conversation: this page says what it shows while somebody can see it, and shows what others say.

const SPEAKS_EVERY = 7_000; // well within the 20 seconds after which a silent page counts as gone
const SETTLES = 300;        // stepping through the queue by key tells nothing of what is passed by

const say = JSON.parse(document.getElementById("presence-words").textContent);
const mark = crypto.randomUUID?.() ?? `p${Date.now()}-${Math.floor(Math.random() * 1e9)}`;
const nothing = { people: [], claimed_by: null, taken_over_by: null, you: null };
let told = { of: "", state: "" }, last = "", here = nothing, everybody = [], lost = false, turn = Promise.resolve(), soon = 0;

const pane = () => document.querySelector("[data-conversation]");
const place = (of) => `/v1/conversations/${encodeURIComponent(of)}/presence`;
const name = (actor) => actor.replace(/^(session|key):/, "");
const names = (people) => new Intl.ListFormat(document.documentElement.lang).format(people.map(name));
const sentence = (words, people) => words.replace("{who}", names(people));

function now() {
  const of = document.visibilityState === "visible" && pane()?.dataset.conversation;
  const area = document.getElementById("words");
  const edited = Boolean(area) && area.value !== (area.dataset.draft ?? "");
  return of ? { of, state: edited ? "editing" : "viewing" } : { of: "", state: "" };
}

async function ask(path, body) {
  const given = body && { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true };
  try {
    const answer = await fetch(path, given);
    return answer.ok ? await answer.json() : null;
  } catch { return null; } // the server is away; the next word will find it again
}

// One after another: what was said first must not arrive last.
const tell = (of, state) => turn = turn.then(async () => {
  last = of;
  const found = await ask(place(of), { state, page: mark });
  if (found && of === pane()?.dataset.conversation) learn(found);
});

// At once, for a page that goes runs nothing that waits.
function leave() {
  if (last) ask(place(last), { state: "gone", page: mark });
  last = "";
}

function settle() {
  const { of, state } = now();
  if (of === told.of && state === told.state) return;
  if (of !== told.of) { here = nothing; lost = false; }
  if (!of) leave(); else tell(of, state);
  told = { of, state };
}

function learn(found) {
  // The page that is shown was drawn when it was one's own, or it was so since.
  const mine = [here.claimed_by, document.getElementById("present")?.dataset.claimedBy].includes(found.you);
  here = found;
  const holder = found.taken_over_by ?? found.claimed_by;
  lost = Boolean(holder) && holder !== found.you && (lost || mine);
  paint();
}

function notice() {
  const others = here.people.filter((each) => !each.is_you);
  const writing = others.filter((each) => each.state === "editing").map((each) => each.name);
  const holder = here.taken_over_by ?? here.claimed_by;
  const held = holder && holder !== here.you;
  const said = [];
  if (held && lost) said.push(sentence(say.lost, [holder]), ...(now().state === "editing" ? [say.stays] : []));
  if (writing.length) said.push(sentence(say.editing, writing));
  if (held && !lost && !writing.includes(holder)) said.push(sentence(say.held, [holder]));
  const looking = others.filter((each) => each.state === "viewing" && !(held && each.name === holder));
  if (looking.length) said.push(sentence(say.viewing, looking.map((each) => each.name)));
  return { words: said.join(" "), urgent: writing.length > 0 || held };
}

function paint() {
  const box = document.getElementById("present");
  if (box && pane().dataset.conversation === told.of) {
    const { words, urgent } = notice();
    const line = box.querySelector("p");
    if (line.textContent !== words) line.textContent = words;
    box.classList.toggle("notice", urgent);
    box.querySelector("form").hidden = !urgent;
    box.classList.toggle("empty-handed", !words);
    const claim = document.querySelector('.pane-head [data-key="claim"]');
    // It keeps its room: what is below must not move while somebody types.
    if (claim && here.you) { claim.disabled = here.claimed_by === here.you; claim.classList.toggle("done-with", claim.disabled); }
  }
  for (const row of document.querySelectorAll("[data-row]")) {
    const inside = everybody.filter((each) => !each.is_you && row.id === `row-${each.conversation_id}`);
    mark_row(row, inside);
  }
}

function mark_row(row, inside) {
  let made = row.querySelector(".here");
  if (!inside.length) { made?.remove(); return; }
  if (!made) { made = document.createElement("span"); row.querySelector(".facts").append(made); }
  const writes = inside.some((each) => each.state === "editing");
  const words = `${writes ? say.writes : say.looks} ${names(inside.map((each) => each.name))}`;
  made.className = writes ? "here writes" : "here";
  if (made.textContent !== words) made.textContent = words;
}

async function look(of) {
  const open = pane()?.dataset.conversation;
  const [found, all] = await Promise.all([of === open && open ? ask(place(open)) : null, ask("/v1/desk/presence")]);
  if (all) everybody = all.people;
  if (found && open === pane()?.dataset.conversation && open === told.of) learn(found); else paint();
}

const wait = new Map();
function once(what, act) { clearTimeout(wait.get(what)); wait.set(what, setTimeout(act, SETTLES)); }

const stream = document.getElementById("stream");
const which = (event) => JSON.parse(event.detail?.data || "{}").conversation_id;
stream.addEventListener("presence", (event) => { const of = which(event); once(`look ${of === pane()?.dataset.conversation}`, () => look(of)); });
stream.addEventListener("conversation", (event) => { const of = which(event); if (of && of === pane()?.dataset.conversation) once("look true", () => look(of)); });
stream.addEventListener("changed", () => once("look true", () => look(pane()?.dataset.conversation)));

addEventListener("input", (event) => { if (event.target.id === "words") settle(); });
document.addEventListener("htmx:after:swap", () => { paint(); clearTimeout(soon); soon = setTimeout(settle, SETTLES); });
document.addEventListener("visibilitychange", settle);
addEventListener("pagehide", () => { leave(); told = { of: "", state: "" }; });
addEventListener("pageshow", settle);
setInterval(() => {
  settle();
  if (told.of) tell(told.of, told.state); else if (document.visibilityState === "visible") look();
}, SPEAKS_EVERY);
settle();
