// The plain page: shows what waits, and sends decisions. Words from outside are set as text, never as HTML.
"use strict";

const labels = JSON.parse(document.getElementById("labels").textContent);
const shown = new Map(); // item id → its article; what is being typed in stays as it is

let lastTouch = Date.now();
for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, () => { lastTouch = Date.now(); }, { passive: true });

// The page looks every few seconds by itself; only a person's doing keeps the session.
function idle() {
  return Date.now() - lastTouch > 30_000;
}

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { ...(idle() && { "X-Kakari-Background": "1" }), ...(body !== undefined && { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const read = await answer.json().catch(() => ({ detail: `${answer.status}` }));
  return { ok: answer.ok, status: answer.status, body: read };
}

function told(answer) {
  const detail = answer.body.detail;
  if (answer.status === 409 && answer.body.newer_messages?.length) {
    return "新しいメッセージが届いています:\n" + answer.body.newer_messages.map((m) => m.text).join("\n");
  }
  return Array.isArray(detail) ? detail.map((d) => d.msg).join("\n") : String(detail);
}

function fill(article, item, conversation) {
  const name = labels.categories[item.category] ?? "";
  const phase = labels.phases[item.phase] ?? "";
  const when = new Date(item.created_at).toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit" });
  article.querySelector(".meta").textContent = [conversation.patient_id, name, phase, when].filter(Boolean).join(" ・ ");
  const list = article.querySelector(".messages");
  list.replaceChildren(...conversation.messages.slice(-6).map((message) => {
    const line = document.createElement("li");
    line.className = message.author;
    line.textContent = message.text;
    return line;
  }));
}

function suggestion(article, item) {
  const named = Object.keys(labels.criteria).filter((name) => name in item.judgement);
  article.querySelector(".marks").replaceChildren(...named.map((name) => {
    const mark = item.judgement[name];
    const line = document.createElement("li");
    line.textContent = `${labels.criteria[name]} ${mark.mark}/5 (基準 ${mark.bar}) ${mark.reason}`;
    return line;
  }));
}

// Shown anew each time: a case that is open already may become an emergency.
function handover(article, item) {
  const tier = item.reason.tier;
  for (const name of ["E", "U", "H"]) article.classList.toggle(name, name === tier);
  article.querySelector(".why").textContent = `${tier ? `[${tier}] ` : ""}${item.reason.code}: ${item.reason.detail}`;
}

const decisions = {
  approve: (item, version) => ["POST", `/v1/suggestions/${item.id}/approve`, { version }],
  edit: (item, version, text, reason) => ["POST", `/v1/suggestions/${item.id}/edit`, { version, text, ...(reason && { reason }) }],
  regenerate: (item, version) => ["POST", `/v1/suggestions/${item.id}/regenerate`, { version }],
  reject: (item, version) => ["POST", `/v1/suggestions/${item.id}/reject`, { version }],
  respond: (item, version, text, reason) =>
    ["POST", `/v1/conversations/${item.conversation_id}/messages`, { version, text, ...(reason && { reason }) }],
  ask: (item) => ["POST", `/v1/conversations/${item.conversation_id}/suggestions`, {}],
  resolve: (item, version) => ["POST", `/v1/handovers/${item.id}/resolve`, { version }],
};

function listen(article, item) {
  const textarea = article.querySelector("textarea");
  const given = textarea.value;
  // What is sent as it is must be what is on the screen: a changed text goes out by the other button.
  const edited = () => {
    const approve = article.querySelector('[data-do="approve"]');
    if (approve) approve.disabled = textarea.value !== given;
  };
  textarea.addEventListener("input", edited);
  article.addEventListener("click", async (event) => {
    const name = event.target.dataset?.do;
    if (!name) return;
    const reason = article.querySelector(".reason input").value;
    event.target.disabled = true;
    const answer = await call(...decisions[name](item, Number(article.dataset.version), textarea.value, reason));
    event.target.disabled = false;
    edited();
    article.querySelector(".said").textContent = answer.ok ? "" : told(answer);
    if (answer.status === 422) article.querySelector(".reason").hidden = false;
    // The newer messages have now been shown; what is sent next rests on them.
    if (answer.status === 409 && answer.body.version != null) article.dataset.version = answer.body.version;
    if (answer.ok && name === "respond") textarea.value = "";
    if (answer.ok) refresh();
  });
}

function created(kind, item) {
  const article = document.getElementById(kind).content.firstElementChild.cloneNode(true);
  article.dataset.id = item.id;
  if (kind === "suggestion") article.querySelector("textarea").value = item.text;
  listen(article, item);
  shown.set(item.id, article);
  return article;
}

// A reply rests on what was on the screen when it was begun: its version stands still while words stand there.
function keepVersion(article, kind, item, conversation) {
  const begun = kind === "handover" && article.querySelector("textarea").value !== "";
  if (!begun || !article.dataset.version) article.dataset.version = kind === "handover" ? conversation.version : item.version;
}

// The list's own order, with the article that is being typed in left where it is: moving it would take the cursor away.
function arrange(place, articles) {
  const held = [...place.children].find((article) => article.contains(document.activeElement));
  const before = articles.includes(held) || !held ? articles.slice(0, Math.max(articles.indexOf(held), 0)) : articles;
  const after = articles.filter((article) => article !== held && !before.includes(article));
  const wanted = [...before, ...(held ? [held] : []), ...after];
  if (wanted.every((article, at) => place.children[at] === article)) return;
  for (const article of before) place.insertBefore(article, held);
  for (const article of after) place.append(article);
}

async function show(kind, fillOwn, items) {
  const place = document.getElementById(`${kind}s`);
  document.getElementById(`${kind}s-count`).textContent = items.length;
  const articles = [];
  for (const item of items) {
    const conversation = (await call("GET", `/v1/conversations/${item.conversation_id}`)).body;
    const article = shown.get(item.id) ?? created(kind, item);
    fillOwn(article, item);
    keepVersion(article, kind, item, conversation);
    fill(article, item, conversation);
    articles.push(article);
  }
  for (const article of [...place.children]) {
    if (!articles.includes(article) && !article.contains(document.activeElement)) {
      shown.delete(article.dataset.id);
      article.remove();
    }
  }
  arrange(place, articles);
}

async function refresh() {
  const [suggestions, handovers] = await Promise.all([call("GET", "/v1/suggestions"), call("GET", "/v1/handovers")]);
  if (!suggestions.ok || !handovers.ok) {
    const why = { 401: "サインインしなおしてください", 403: "この役割では相談内容を読めません" };
    document.getElementById("state").textContent = why[suggestions.status] ?? "つながりません";
    return;
  }
  await show("suggestion", suggestion, suggestions.body.items);
  await show("handover", handover, handovers.body.items);
  const emergencies = handovers.body.items.filter((item) => item.reason.tier === "E").length;
  document.getElementById("state").textContent = emergencies ? `緊急 ${emergencies} 件` : "待っています";
  document.title = emergencies ? `(緊急 ${emergencies}) Kakari` : "Kakari 係";
}

refresh();
setInterval(() => refresh().catch(() => undefined), 3000);
