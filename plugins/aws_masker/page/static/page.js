// The page: takes records as they come, and shows them. All that comes is put in as text, never as HTML.
"use strict";

const byId = (id) => document.getElementById(id);
const list = byId("list");
const state = byId("state");
const pause = byId("pause");

const CHIPS = 4;
const NEWS_MILLISECONDS = 4000;
const OUTCOMES = {
  ok: "ok",
  refused: "refused",
  upstream_failed: "API failed",
  broken_off: "broken off",
  client_gone: "client gone",
  client_stalled: "client stalled",
  stopped: "stopped",
};
const STAGES = {
  read: "reading the request",
  mask: "masking",
  vault: "vault",
  upstream: "waiting for the API",
  first_byte: "to the first byte",
  total: "all in all",
};

let keeps = 200;
let ring = "";
let shown = []; // Newest first: {number, record, item}.
let waiting = []; // What came while the page was paused, oldest first.
let connected = false;

const number = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

const paused = () => pause.getAttribute("aria-pressed") === "true";
const sum = (counts) => Object.values(counts).reduce((total, one) => total + one, 0);
const several = (count, one, more) => `${number.format(count)} ${count === 1 ? one : more}`;

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  if (className) made.className = className;
  return made;
}

function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} KB` : `${(count / 1e6).toFixed(1)} MB`;
}

const milliseconds = (count) => `${count < 10 ? count.toFixed(1) : number.format(Math.round(count))} ms`;

function tone(record) {
  if (record.outcome === "refused" || record.outcome === "upstream_failed") return "bad";
  if (record.outcome !== "ok" || record.status >= 400 || record.unresolved) return "warn";
  return "good";
}

function badge(record) {
  if (record.outcome !== "ok") return OUTCOMES[record.outcome] ?? record.outcome;
  if (record.status >= 400) return `API says ${record.status}`;
  return record.unresolved ? `${number.format(record.unresolved)} not known` : "ok";
}

function masked(record) {
  return Object.entries(record.families).sort((a, b) => b[1] - a[1]);
}

function ownTime(record) {
  return (record.ms.mask ?? 0) + (record.ms.vault ?? 0);
}

// One request

function itemOf({ number: id, bodies, record }) {
  const item = byId("request").content.firstElementChild.cloneNode(true);
  const find = (selector) => item.querySelector(selector);
  item.dataset.tone = tone(record);
  item.dataset.number = id;
  const time = find("time");
  time.dateTime = record.time;
  time.textContent = clock.format(new Date(record.time));
  find(".badge").textContent = badge(record);
  find(".endpoint").textContent = record.endpoint.replace("/v1/", "");
  find(".model").textContent = [record.model, record.session?.slice(0, 8)].filter(Boolean).join(" · ");
  chips(find(".families"), record);
  const own = ownTime(record);
  find(".cost").append(`${milliseconds(own)} added`, element("small", `of ${milliseconds(record.ms.total ?? own)}`));
  find("details").addEventListener("toggle", () => detail(item, record, bodies, id), { once: true });
  return item;
}

function chips(where, record) {
  const families = masked(record);
  if (!families.length) {
    where.append(element("span", record.bytes_in ? "nothing to mask" : "no body", "chip none"));
    return;
  }
  for (const [name, count] of families.slice(0, CHIPS)) {
    where.append(element("span", `${name} ${number.format(count)}`, "chip"), " ");
  }
  const rest = families.slice(CHIPS);
  if (rest.length) where.append(element("span", `and ${rest.length} more`, "chip none"));
}

function detail(item, record, bodies, id) {
  const find = (selector) => item.querySelector(selector);
  const facts = {
    Outcome: record.reason ? `${OUTCOMES[record.outcome]}: ${record.reason}` : OUTCOMES[record.outcome],
    Status: record.status || "none",
    Session: record.session ?? "none",
    "Request id": record.request_id,
    Tenant: record.tenant ?? "none",
    "Bytes in": bytes(record.bytes_in),
    "Bytes to the API": bytes(record.bytes_up),
    "Bytes of the answer": `${bytes(record.bytes_out)}${record.streamed ? ", streamed" : ""}`,
    "Identifiers masked": `${number.format(sum(record.families))} (${several(record.edits, "edit", "edits")})`,
    "Tokens put back": number.format(record.restored),
    "Tokens not known": number.format(record.unresolved),
    "Images and documents": record.opaque ? `${number.format(record.opaque)} passed unread` : "none",
  };
  for (const [name, value] of Object.entries(facts)) {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value));
    find(".facts").append(pair);
  }
  const families = masked(record);
  find(".found").hidden = !families.length;
  meters(find(".found ul"), families.map(([name, count]) => [name, count, number.format(count)]));
  const stages = Object.keys(STAGES).filter((stage) => stage in record.ms);
  meters(find(".took ul"), stages.map((stage) => [STAGES[stage], record.ms[stage], milliseconds(record.ms[stage])]));
  const show = find(".show");
  show.hidden = !bodies;
  find(".hint").textContent = bodies
    ? "As they were sent and as the API answered, before anything was put back."
    : record.outcome === "refused"
      ? "None: nothing was sent to the API."
      : "Not kept. The setting record_bodies: masked keeps them.";
  show.addEventListener("click", () => toggleBodies(show, find(".shown"), id));
}

function meters(where, rows) {
  const most = Math.max(1e-9, ...rows.map(([, value]) => value));
  for (const [name, value, text] of rows) {
    const row = element("li", "", "meter");
    const bar = element("i");
    bar.style.width = `${Math.max(1, (100 * value) / most)}%`;
    row.append(element("b", name), bar, element("span", text));
    where.append(row);
  }
}

// Bodies

async function toggleBodies(button, where, id) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  button.textContent = open ? "Show what was sent" : "Hide what was sent";
  where.hidden = open;
  if (open || where.childElementCount) return;
  try {
    const answer = await fetch(`bodies/${id}`);
    if (!answer.ok) throw new Error(await answer.text());
    const { sent, answered } = await answer.json();
    where.append(bodyOf("Sent to the API", sent), bodyOf("Answered by the API", answered));
  } catch (error) {
    where.replaceChildren(element("p", String(error.message), "trouble"));
  }
}

function bodyOf(title, { pieces, length, shown: part }) {
  const body = byId("body").content.firstElementChild.cloneNode(true);
  const find = (selector) => body.querySelector(selector);
  const text = find("pre");
  text.append(...pieces.map(([piece, label]) => (label ? element("mark", piece) : document.createTextNode(piece))));
  const marks = [...text.querySelectorAll("mark")];
  find("h4").textContent = title;
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", title);
  const size = part < length ? `the first ${bytes(part)} of ${bytes(length)}` : bytes(length);
  find(".size").textContent = `${size}, ${several(marks.length, "token", "tokens")}`;
  let at = -1;
  const step = (by) => {
    marks[at]?.classList.remove("current");
    at = (at + by + marks.length) % marks.length;
    marks[at].classList.add("current");
    marks[at].scrollIntoView({ block: "center" });
    say(`Token ${at + 1} of ${marks.length}: ${marks[at].textContent}`);
  };
  find(".next").addEventListener("click", () => step(1));
  find(".previous").addEventListener("click", () => step(at < 0 ? 0 : -1));
  for (const button of body.querySelectorAll("button")) button.disabled = !marks.length;
  find(".steps").hidden = !marks.length;
  return body;
}

// The list

function take(entry) {
  if (paused()) {
    waiting.push(entry);
    waiting = waiting.slice(-keeps);
    showState();
    return;
  }
  add(entry);
  settle();
}

function add(entry) {
  const item = itemOf(entry);
  shown.unshift({ ...entry, item });
  list.prepend(item);
  for (const old of shown.splice(keeps)) old.item.remove();
  news.requests += 1;
  news.masked += sum(entry.record.families);
}

function settle() {
  const records = shown.map(({ record }) => record);
  const total = (of) => records.reduce((all, record) => all + of(record), 0);
  const refused = total((record) => (record.outcome === "refused" ? 1 : 0));
  const unresolved = total((record) => record.unresolved);
  byId("total-requests").textContent = number.format(records.length);
  byId("total-masked").textContent = number.format(total((record) => sum(record.families)));
  byId("total-restored").textContent = number.format(total((record) => record.restored));
  byId("total-refused").textContent = number.format(refused);
  byId("total-unresolved").textContent = number.format(unresolved);
  byId("tile-refused").className = refused ? "bad" : "";
  byId("tile-unresolved").className = unresolved ? "warn" : "";
  byId("empty").hidden = records.length > 0;
  showState();
}

function showState() {
  const live = connected ? "Live" : "Connection lost, trying again …";
  const more = waiting.length ? `, ${number.format(waiting.length)} new` : "";
  const text = paused() ? `Paused${more}` : live;
  state.dataset.state = paused() ? "paused" : connected ? "live" : "lost";
  if (state.textContent !== text) state.textContent = text;
}

pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!paused()));
  pause.textContent = paused() ? "Go on" : "Pause";
  if (!paused()) {
    waiting.forEach(add);
    waiting = [];
  }
  settle();
});

// What a screen reader is told, and not too often.

const news = { requests: 0, masked: 0 };

function say(text) {
  byId("news").textContent = text;
}

setInterval(() => {
  if (!news.requests) return;
  const requests = several(news.requests, "new request", "new requests");
  say(`${requests}, ${several(news.masked, "identifier", "identifiers")} masked`);
  news.requests = news.masked = 0;
}, NEWS_MILLISECONDS);

// The stream

function connect() {
  const source = new EventSource("events");
  source.addEventListener("open", () => {
    connected = true;
    showState();
  });
  source.addEventListener("error", () => {
    connected = false;
    showState();
    // The browser comes back by itself, but not after an answer that is no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
  source.addEventListener("hello", ({ data }) => {
    const hello = JSON.parse(data);
    if (ring && ring !== hello.ring) {
      // Another process: what it shows has other numbers.
      shown.forEach(({ item }) => item.remove());
      shown = [];
      waiting = [];
    }
    ({ ring, keeps } = hello);
    byId("source").textContent = `The last ${keeps}, from ${hello.source}`;
    settle();
  });
  source.addEventListener("record", ({ data }) => {
    const entry = JSON.parse(data);
    const newest = waiting.at(-1) ?? shown[0];
    if (!newest || entry.number > newest.number) take(entry);
  });
  source.addEventListener("source", ({ data }) => {
    const { trouble } = JSON.parse(data);
    byId("trouble").textContent = trouble;
    byId("trouble").hidden = !trouble;
  });
}

connect();
