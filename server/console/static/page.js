// The plain page: shows what waits, and sends decisions. Words from outside are set as text, never as HTML.
"use strict";

const labels = JSON.parse(document.getElementById("labels").textContent);
const shown = new Map(); // item id → its article; what is being typed in stays as it is

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
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
  article.querySelector("textarea").value = item.text;
  const named = Object.keys(labels.criteria).filter((name) => name in item.judgement);
  article.querySelector(".marks").replaceChildren(...named.map((name) => {
    const mark = item.judgement[name];
    const line = document.createElement("li");
    line.textContent = `${labels.criteria[name]} ${mark.mark}/5 (基準 ${mark.bar}) ${mark.reason}`;
    return line;
  }));
}

function handover(article, item) {
  const tier = item.reason.tier;
  if (tier) article.classList.add(tier);
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

function listen(article, item, version) {
  article.addEventListener("click", async (event) => {
    const name = event.target.dataset?.do;
    if (!name) return;
    const text = article.querySelector("textarea").value;
    const reason = article.querySelector(".reason input").value;
    event.target.disabled = true;
    const answer = await call(...decisions[name](item, version(), text, reason));
    event.target.disabled = false;
    article.querySelector(".said").textContent = answer.ok ? "" : told(answer);
    if (answer.status === 422) article.querySelector(".reason").hidden = false;
    if (answer.ok && name === "respond") article.querySelector("textarea").value = "";
    if (answer.ok) refresh();
  });
}

async function show(kind, fillOwn, items) {
  const place = document.getElementById(`${kind}s`);
  document.getElementById(`${kind}s-count`).textContent = items.length;
  for (const item of items) {
    const conversation = (await call("GET", `/v1/conversations/${item.conversation_id}`)).body;
    let article = shown.get(item.id);
    if (!article) {
      article = document.getElementById(kind).content.firstElementChild.cloneNode(true);
      article.dataset.id = item.id;
      fillOwn(article, item);
      listen(article, item, () => Number(article.dataset.version));
      shown.set(item.id, article);
      place.append(article);
    }
    article.dataset.version = kind === "suggestion" ? item.version : conversation.version;
    fill(article, item, conversation);
  }
  const still = new Set(items.map((item) => item.id));
  for (const article of [...place.children]) {
    if (!still.has(article.dataset.id) && !article.contains(document.activeElement)) {
      shown.delete(article.dataset.id);
      article.remove();
    }
  }
}

async function refresh() {
  const [suggestions, handovers] = await Promise.all([call("GET", "/v1/suggestions"), call("GET", "/v1/handovers")]);
  if (!suggestions.ok || !handovers.ok) {
    document.getElementById("state").textContent = suggestions.status === 401 ? "サインインしなおしてください" : "つながりません";
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
