/** Wires the page: who chats, the conversations, the message box, the sheets. */

import { Api, Problem } from "./api.js";
import { h, hue } from "./dom.js";
import * as past from "./past.js";
import { SourceSheet } from "./source.js";
import { startTheme } from "./theme.js";
import { TraceSheet } from "./trace.js";
import { TurnView } from "./turn.js";

const SUGGESTIONS = [
  ["Explain my bill", "Why is my latest invoice higher than the one before?"],
  ["Two things at once", "I was charged twice and my router blinks red"],
  ["Fix my connection", "The light on my router blinks red, what can I do?"],
  ["Compare products", "Compare the Kestrel 12 and the Lumen X5"],
];
const NEAR_BOTTOM_PX = 80;
const $ = (id) => document.getElementById(id);

const state = { api: null, who: null, keys: [], conversation: null, running: null, names: new Map() };
const source = new SourceSheet($("source"), () => state.api);
const trace = new TraceSheet($("trace"), () => state.api);
const actions = {
  openSource: (citation) => source.open(citation),
  openTrace: (id) => trace.open(id),
  rate: (given) => state.api.feedback(given),
  retry: (view) => { view.element.remove(); ask(view.message); },
  say: (text) => { $("status").textContent = text; },
  grown: () => follow(),
  nameOf: (agent) => state.names.get(agent),
};

start();

async function start() {
  startTheme($("theme"));
  wireComposer();
  wireSidebar();
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => { if (event.target === dialog || event.target.closest("[data-close]")) dialog.close(); });
  }
  $("suggestions").replaceChildren(...SUGGESTIONS.map(([kind, text]) => h("li", {}, h("button.suggestion", { type: "button", onclick: () => ask(text) }, h("b", {}, kind), h("span", {}, text)))));
  try {
    const config = await (await fetch("/config.json")).json();
    state.apiUrl = config.api_url;
    state.keys = config.keys;
  } catch {
    $("hello-text").textContent = "The console does not answer. Reload the page in a moment.";
    return;
  }
  wireKeys();
}

/* Who chats */

function wireKeys() {
  const other = h("option", { value: "" }, "Another key…");
  $("who").replaceChildren(...state.keys.map((entry, index) => h("option", { value: String(index) }, labelOf(entry))), other);
  $("who").addEventListener("change", () => pick($("who").value));
  $("key-form").addEventListener("submit", async () => {
    await signIn($("key-input").value.trim());
    $("key-input").value = "";
  });
  const remembered = state.keys.findIndex((entry) => identity(entry) === sessionStorage.getItem("switchboard.who"));
  if (state.keys.length) pick(String(Math.max(remembered, 0)));
  else pick("");
}

function labelOf(entry) {
  return entry.name || `${entry.user} (${entry.tenant})`;
}

function identity(entry) {
  return `${entry.tenant}/${entry.user}`;
}

function pick(value) {
  if (value === "") {
    $("who").value = state.who ? String(state.keys.indexOf(state.who)) : "";
    $("key").showModal();
    return;
  }
  become(state.keys[Number(value)]);
}

function become(entry) {
  stopRunning();
  state.who = entry;
  state.api = new Api(state.apiUrl, entry.key);
  $("who").value = String(state.keys.indexOf(entry));
  sessionStorage.setItem("switchboard.who", identity(entry));
  fresh();
  drawPast();
  learnAgents(state.api);
}

/** Names and colours of the agents; the chat works without them. */
async function learnAgents(api) {
  try {
    for (const agent of (await api.agents()).agents) {
      hue(agent.id);
      state.names.set(agent.id, agent.name);
    }
  } catch (error) {
    console.warn("The list of agents does not load.", error.message);
  }
}

async function signIn(key) {
  try {
    const response = await fetch(`${state.apiUrl}/v1/me`, { headers: { authorization: `Bearer ${key}` } });
    if (!response.ok) throw new Problem("This key is not known.");
    const entry = { ...(await response.json()), key, name: "" };
    state.keys.push(entry);
    $("who").lastElementChild.before(h("option", { value: String(state.keys.length - 1) }, labelOf(entry)));
    become(entry);
  } catch (error) {
    actions.say(error.message);
    $("hello-text").textContent = error instanceof Problem ? error.message : "We cannot be reached right now.";
  }
}

/* Conversations */

function fresh() {
  stopRunning();
  state.conversation = null;
  $("turns").replaceChildren();
  $("welcome").hidden = false;
  $("title").textContent = "New conversation";
  markPast();
  closeSidebar();
}

async function reopen(entry) {
  stopRunning();
  state.conversation = entry.id;
  $("title").textContent = entry.title;
  $("welcome").hidden = true;
  $("turns").replaceChildren(h("li.hint.loading", {}, "Loading the conversation…"));
  markPast();
  closeSidebar();
  try {
    const conversation = await state.api.conversation(entry.id);
    if (state.conversation !== entry.id) return;
    $("turns").replaceChildren(...conversation.turns.map(pastTurn));
    scrollDown();
    $("message").focus();
  } catch (error) {
    if (error.status === 404) past.forget(identity(state.who), entry.id);
    $("turns").replaceChildren(h("li.failure", { role: "alert" }, h("p.failure-title", {}, "This conversation does not open"), h("p", {}, error.message), h("div.row", {}, h("button.button", { type: "button", onclick: fresh }, "Start a new one"))));
    drawPast();
  }
}

function pastTurn(turn) {
  const view = new TurnView(turn.message, actions);
  if (turn.status === "failed") view.fail(turn.failure || "This message was not answered.", { traceId: turn.trace_id ?? "", code: turn.code ?? "" });
  else if (turn.status && turn.status !== "completed") view.apply({ type: "turn.failed", code: "running", message: "This message was still being answered. Open the conversation again in a moment.", trace_id: turn.trace_id ?? "" });
  else view.apply({ ...turn, type: "turn.completed", text: turn.text });
  return view.element;
}

function drawPast() {
  const entries = past.list(identity(state.who));
  $("past").replaceChildren(...entries.map((entry) => h("li", {}, h("button", { type: "button", "data-id": entry.id, onclick: () => reopen(entry) }, entry.title))));
  if (!entries.length) $("past").append(h("li.hint", {}, "None yet. They stay in this browser."));
  markPast();
}

function markPast() {
  for (const button of $("past").querySelectorAll("button")) {
    if (button.dataset.id === state.conversation) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

/* A turn */

async function ask(message) {
  if (!state.api || state.running) return;
  const title = $("turns").childElementCount ? null : past.shorten(message);
  if (title) $("title").textContent = title;
  $("welcome").hidden = true;
  const view = new TurnView(message, actions).begin();
  const abort = new AbortController();
  $("turns").append(view.element);
  state.running = { view, abort };
  busy(true);
  scrollDown();
  actions.say("Sent");
  const api = state.api;
  const who = identity(state.who);
  try {
    const body = { message };
    if (state.conversation) body.conversation_id = state.conversation;
    for await (const event of api.chat(body, { signal: abort.signal, idempotencyKey: crypto.randomUUID() })) {
      if (event.type === "turn.started") {
        past.remember(who, event.conversation_id, message);
        if (state.running?.view === view) { state.conversation = event.conversation_id; drawPast(); }
      }
      view.apply(event);
      follow();
    }
  } catch (error) {
    if (error.name === "AbortError") view.stop();
    else view.fail(error.message || "Something went wrong on our side. Please try again.", { traceId: error.traceId, code: error.code });
  }
  if (state.running?.view === view) {
    state.running = null;
    busy(false);
    follow();
  }
}

function stopRunning() {
  state.running?.abort.abort();
  state.running = null;
  busy(false);
}

function busy(on) {
  $("stop").hidden = !on;
  $("send").hidden = on;
  $("send").disabled = !$("message").value.trim();
}

/* The message box */

function wireComposer() {
  const box = $("message");
  const fit = () => { box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight, 200)}px`; $("send").disabled = !box.value.trim(); };
  const send = () => {
    const text = box.value.trim();
    if (!text || state.running || !state.api) return;
    box.value = "";
    fit();
    ask(text);
  };
  box.addEventListener("input", fit);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  });
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  $("stop").addEventListener("click", () => { state.running?.abort.abort(); box.focus(); });
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if ($("sidebar").classList.contains("open")) closeSidebar(true);
      else state.running?.abort.abort();
    } else if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
    }
  });
  $("main").addEventListener("scroll", () => { $("latest").hidden = nearBottom(); });
  $("latest").addEventListener("click", scrollDown);
  if (matchMedia("(hover: hover)").matches) box.focus(); // on a phone the keyboard would cover the suggestions
}

function nearBottom() {
  const main = $("main");
  return main.scrollHeight - main.scrollTop - main.clientHeight < NEAR_BOTTOM_PX;
}

let pinned = true;
$("main").addEventListener("scroll", () => { pinned = nearBottom(); });

/** Keeps the newest words in view, unless the reader has scrolled up. */
function follow() {
  if (pinned) scrollDown();
}

function scrollDown() {
  $("main").scrollTop = $("main").scrollHeight;
  pinned = true;
}

/* The sidebar on a narrow screen */

function wireSidebar() {
  $("new").addEventListener("click", () => { fresh(); $("message").focus(); });
  $("scrim").addEventListener("click", () => closeSidebar());
  $("menu").addEventListener("click", () => {
    $("sidebar").classList.add("open");
    $("scrim").hidden = false;
    $("menu").setAttribute("aria-expanded", "true");
    $("new").focus();
  });
}

function closeSidebar(refocus = false) {
  $("sidebar").classList.remove("open");
  $("scrim").hidden = true;
  $("menu").setAttribute("aria-expanded", "false");
  if (refocus) $("menu").focus();
}
