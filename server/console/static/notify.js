// What calls for a pharmacist: in every tab's title, and once by sound and by the system, by the one tab that leads.

const TOGETHER = 500; // milliseconds: what comes within them is looked at once
const say = JSON.parse(document.getElementById("notify-words").textContent);
const title = document.title, stream = document.getElementById("stream");
const channel = new BroadcastChannel("kakari-attention");
const is_on = (name, unset) => (localStorage.getItem(`kakari-${name}`) ?? unset) === "on";
let known = null, leads = false, own = null, later = 0, audio = null;

function paint() {
  const badge = known && is_on("title", "on");
  const sign = badge && known.emergencies ? "⚠ " : "", count = badge && known.waiting ? `(${known.waiting}) ` : "";
  document.title = `${sign}${count}${title}`;
}

function learn(found) {
  if (leads && known) {
    const pressing = found.newest_emergency > known.newest_emergency || found.emergencies > known.emergencies;
    if (pressing) speak("emergency");
    else if (found.newest_draft > known.newest_draft || found.newest_case > known.newest_case) speak("waiting");
  }
  known = found;
  paint();
}

async function look() {
  try {
    const answer = await fetch("/v1/desk/attention");
    if (!answer.ok) return;
    const found = await answer.json();
    learn(found);
    if (leads) channel.postMessage(found);
  } catch { /* the server is away; the stream says when it is back */ }
}

// The first of several at once, or a stream of news would put it off for ever.
function soon() { later ||= setTimeout(() => { later = 0; look(); }, TOGETHER); }

// The page's own stream pauses while nobody sees the page; whoever leads goes on hearing.
function listen() {
  const wanted = leads && (document.hidden || !stream);
  if (wanted && !own) {
    own = new EventSource("/v1/events");
    for (const event of ["changed", "conversation"]) own.addEventListener(event, soon);
  } else if (!wanted && own) { own.close(); own = null; }
}

function speak(what) {
  if (is_on("sound", "on")) sound(what);
  if (is_on("desktop", "off") && "Notification" in window && Notification.permission === "granted") {
    const shown = new Notification("Kakari", { body: say[what], tag: `kakari-${what}`, lang: document.documentElement.lang });
    shown.onclick = () => { focus(); shown.close(); };
  }
}

function sound(what) {
  if (!audio) return; // browsers allow none before somebody has touched the page
  audio.resume();
  const heights = what === "emergency" ? [880, 660, 880, 660] : [660, 880];
  heights.forEach((hertz, number) => {
    const begin = audio.currentTime + number * 0.18, tone = audio.createOscillator(), volume = audio.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, begin);
    volume.gain.exponentialRampToValueAtTime(0.2, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + 0.16);
    tone.connect(volume).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + 0.17);
  });
}

const touch = () => { audio ??= new AudioContext(); };
addEventListener("pointerdown", touch, { once: true });
addEventListener("keydown", touch, { once: true });

channel.onmessage = (event) => { if (!leads) learn(event.data); };
for (const event of ["changed", "conversation"]) stream?.addEventListener(event, () => { if (leads) soon(); });
document.addEventListener("visibilitychange", () => { listen(); if (leads) soon(); });
document.addEventListener("kakari:set", (event) => { paint(); if (event.detail === "sound" && is_on("sound", "on")) sound("waiting"); });
addEventListener("storage", paint);
// The lock is kept until the tab is gone; then the next one leads, and goes on from what it was told last.
navigator.locks?.request("kakari-leads", () => new Promise(() => { leads = true; listen(); look(); }));
look();
