// Whether the server can be reached: while it cannot, the page says so, sends nothing, and looks for it by itself.

const EVERY = 2_000; // milliseconds between two looks
const LONGEST = 5_000;
const place = document.getElementById("away"), stream = document.getElementById("stream");
const here = document.getElementById("here"), notices = document.getElementById("notices");
htmx.config.sse = { ...htmx.config.sse, reconnectMaxDelay: 3_000 }; // somebody waits before the screen
let away = false, looking = null, next = 0;

function say(words) {
  place.hidden = !words;
  if (place.textContent !== words) place.textContent = words;
}

async function reached() {
  try { return (await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(LONGEST) })).ok; } catch { return false; }
}

// One look at a time; while it is away, they go on.
function look() {
  looking ??= reached().then((there) => {
    looking = null;
    if (there) { back(); return; }
    if (!away) say(place.dataset.away);
    away = true;
    clearTimeout(next);
    next = setTimeout(look, EVERY);
  });
}

// The desk asks for everything anew; on the other pages each part does so when the stream is there again.
function again() { if (here) htmx.trigger(here, "again"); }

function back() {
  if (!away) return;
  away = false;
  say("");
  again(); // what came meanwhile; the stream, once it is there again, asks too
}

// Refused here and not left to fail: then it is certain that nothing has gone out.
document.addEventListener("htmx:before:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (!away || sourceElement === stream) return;
  event.preventDefault();
  if (request.method !== "GET") say(place.dataset.unsent);
  look();
});

// A form that htmx does not send would lead to the browser's own page of errors.
addEventListener("submit", (event) => {
  if (!away || event.target.matches("[hx-post]")) return;
  event.preventDefault();
  say(place.dataset.unsent);
  look();
});

// A request that broke off may have been carried out all the same; the conversation's version keeps it from being twice.
function broke_off(method) {
  if (method !== "GET") {
    const line = document.createElement("p");
    line.className = "notice";
    line.textContent = place.dataset.unsure;
    notices.replaceChildren(line);
  }
  look();
}

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (ctx && !ctx.response) broke_off(ctx.request.method);
});

// What stands before the server, or a fault of its own, answers with a page that is none of the console's.
document.addEventListener("htmx:before:swap", (event) => {
  const { request, response } = event.detail.ctx;
  if (!(response?.status >= 500) || response.headers.get("HX-Retarget")) return;
  event.preventDefault();
  broke_off(request.method);
});

// A session that is over is no connection that is away: the next request leads to where one signs in.
stream?.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) again(); else look();
});

// Once it runs, the stream comes back by itself; a first attempt that fails is tried again here.
stream?.addEventListener("htmx:finally:request", () => {
  if (stream._htmx?.sse) return;
  setTimeout(() => { if (!stream._htmx?.sse) htmx.ajax("GET", stream.getAttribute("hx-sse:connect"), { source: stream }); }, EVERY);
});

addEventListener("offline", look);
addEventListener("online", look);
