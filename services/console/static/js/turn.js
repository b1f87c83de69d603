/** One turn on the page: what was asked, and the answer as it comes in by events. */

import { dollars, h, hue, icon, milliseconds, sentence } from "./dom.js";
import { Thumbs } from "./feedback.js";
import { render } from "./markdown.js";

const NEAR_MS = 100;
const CLOCK = "M12 7v5l3 2M21 12a9 9 0 1 1-3-6.7M21 4v4h-4";
const NEAR = "M5 9c2-2.5 4.5-2.5 7 0s5 2.5 7 0M5 15c2-2.5 4.5-2.5 7 0s5 2.5 7 0";

export class TurnView {
  /** `actions`: `openSource(citation)`, `openTrace(traceId)`, `retry(view)`, `rate(feedback)`, `say(text)` for screen readers. */
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.traceId = "";
    this.finished = false;
    this.parts = new Map();
    this.citations = new Map();
    this.thinking = h("p.thinking", {}, h("span.dots", { "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", {}, "Finding the right specialist"));
    this.body = h("div.parts");
    this.sources = h("ul.sources", { hidden: true, "aria-label": "Sources" });
    this.foot = h("footer.foot");
    this.answer = h("article.answer", { "aria-label": "Answer", "aria-busy": "true" }, this.thinking, this.body, this.sources, this.foot);
    this.element = h("li.turn", {}, h("div.said", {}, h("span.sr", {}, "You: "), message), this.answer);
    this.dirty = new Set();
    this.frame = 0;
  }

  /** Takes one TurnEvent of the contract; types it does not know are passed over. */
  apply(event) {
    switch (event.type) {
      case "turn.started":
        this.traceId = event.trace_id;
        break;
      case "route.decided":
        if (event.agents.length > 1) this.#think(`Asking ${event.agents.length} specialists`);
        break;
      case "agent.started":
        this.#part(event.agent, event.name);
        this.#think(`${this.#name(event.agent)} is looking into it`);
        this.actions.say(`${this.#name(event.agent)} is answering`);
        break;
      case "tool.called":
        this.#toolCalled(event);
        break;
      case "tool.result":
        this.#toolReturned(event);
        break;
      case "approval.required":
        this.#part(event.agent).tools.append(h("li.note", {}, `Waits for approval: ${event.reason || sentence(event.name)}`));
        break;
      case "message.delta":
        this.thinking.hidden = true;
        this.#part(event.agent).text += event.text;
        this.#draw(event.agent);
        break;
      case "citation":
        this.citations.set(event.n, event);
        this.#drawSources();
        for (const agent of this.parts.keys()) this.#draw(agent);
        break;
      case "turn.reset":
        for (const part of this.parts.values()) part.text = "";
        this.citations = new Map((event.citations ?? []).map((citation) => [citation.n, citation]));
        if (event.text) this.#replaceText({ text: event.text, agents: [] });
        for (const agent of this.parts.keys()) this.#draw(agent);
        break;
      case "turn.cancelled":
        this.stop();
        break;
      case "turn.completed":
        this.#completed(event);
        break;
      case "turn.failed":
        this.fail(event.message, { traceId: event.trace_id, code: event.code });
        break;
    }
  }

  /** Ends the turn as not answered: what happened, the trace to quote, and a way to try again. */
  fail(message, { traceId = "", code = "" } = {}) {
    this.traceId = traceId || this.traceId;
    this.#settle("failed");
    const headline = code === "limit_exceeded" ? "One moment, please" : code === "unauthenticated" ? "You are not signed in" : "That did not work";
    const retry = h("button.button.primary", { type: "button", onclick: () => this.actions.retry(this) }, "Try again");
    const card = h("div.failure", { role: "alert" }, h("p.failure-title", {}, headline), h("p", {}, message), h("div.row", {}, retry, this.#traceButton("View trace")));
    if (this.traceId) card.append(h("p.hint.reference", {}, "Reference ", h("code", {}, this.traceId)));
    this.foot.replaceChildren();
    this.answer.append(card);
    this.card = card;
  }

  /** Ends the turn because the user stopped it. */
  stop() {
    this.#settle("stopped");
    this.foot.replaceChildren(h("span", {}, "Stopped"), this.#traceButton(), h("button.link", { type: "button", onclick: () => this.actions.retry(this) }, "Ask again"));
  }

  get text() {
    return [...this.parts.values()].map((part) => part.text.trim()).filter(Boolean).join("\n\n");
  }

  #completed(event) {
    this.traceId = event.trace_id || this.traceId;
    for (const citation of event.citations ?? []) this.citations.set(citation.n, citation);
    const streamed = [...this.parts.values()].filter((part) => part.text.trim());
    // The final text is the truth; the parts that streamed stay only where it is made of them.
    const made = streamed.length > 0 && streamed.every((part) => event.text.includes(part.text.trim()));
    const length = streamed.reduce((sum, part) => sum + part.text.trim().length, 0);
    if (event.text && (!made || event.text.length - length > NEAR_MS * streamed.length)) this.#replaceText(event);
    this.#settle("completed");
    if (event.confidence === "closest") this.#markClosest();
    this.#drawSources();
    for (const agent of this.parts.keys()) this.#draw(agent, true);
    const usage = event.usage ?? {};
    const tokens = (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0);
    this.foot.replaceChildren(
      h("span", { title: "Time to the whole answer" }, milliseconds(event.duration_ms || performance.now() - this.startedAt || 0)),
      h("span", { title: `${usage.model_calls ?? 0} model calls, ${tokens} tokens` }, dollars(event.cost_picousd)),
      event.cache_hit ? h("span.cached", { title: "This was asked before; the answer was kept and cost nothing" }, icon(CLOCK), "Answered before") : "",
      this.#traceButton(),
      h("button.link", { type: "button", onclick: (click) => this.#copy(click.currentTarget) }, "Copy"),
      event.turn_id ? new Thumbs(event, this.actions).element : "",
    );
    this.actions.say(this.text || event.text);
  }

  /** Says that the answer may be about something near to what was asked. */
  #markClosest() {
    this.answer.dataset.confidence = "closest";
    this.body.before(h("p.closest", { title: "Nothing nearer to your question was found" }, icon(NEAR), "Closest match"));
  }

  /** Starts the clock for turns that do not say how long they took. */
  begin() {
    this.startedAt = performance.now();
    return this;
  }

  /** Shows the final text instead of what streamed, under its agents where its headings name them. */
  #replaceText(event) {
    const agents = event.agents ?? [];
    for (const part of this.parts.values()) part.text = "";
    const headings = agents.map((agent) => [agent, event.text.indexOf(`**${this.#name(agent)}**\n`)]).sort((a, b) => a[1] - b[1]);
    if (agents.length > 1 && headings[0][1] === 0) {
      headings.forEach(([agent, start], index) => (this.#part(agent).text = event.text.slice(start, headings[index + 1]?.[1]).trim()));
    } else {
      this.#part(agents.length === 1 ? agents[0] : "supervisor").text = event.text;
    }
  }

  #settle(state) {
    this.finished = true;
    this.thinking.remove();
    this.answer.setAttribute("aria-busy", "false");
    this.answer.dataset.state = state;
    for (const chip of this.answer.querySelectorAll(".tool[data-state=running]")) chip.dataset.state = "stopped";
  }

  #think(text) {
    this.thinking.lastChild.textContent = text;
  }

  #name(agent) {
    return this.parts.get(agent)?.name || this.actions.nameOf(agent) || sentence(agent.replaceAll("-", "_"));
  }

  #part(agent, name = "") {
    let part = this.parts.get(agent);
    if (!part) {
      const badge = h("h3.badge", {}, h("i.dot", { "aria-hidden": "true" }), h("span"));
      const tools = h("ul.tools", { "aria-label": "Looked up" });
      const words = h("div.words");
      part = { name, text: "", badge, tools, words, element: h(`section.part.${hue(agent)}`, { "data-agent": agent }, badge, tools, words) };
      // An answer of the front desk itself (a question back, small talk) needs no badge.
      badge.hidden = agent === "supervisor" || agent === "";
      this.parts.set(agent, part);
      this.body.append(part.element);
    }
    if (name) part.name = name;
    part.badge.lastChild.textContent = this.#name(agent);
    return part;
  }

  #toolCalled(event) {
    const part = this.#part(event.agent);
    this.#think(sentence(event.name));
    const count = Object.keys(event.arguments ?? {}).length;
    const chip = h(
      "details.tool", { "data-state": "running", "data-call": event.call_id },
      h("summary", {}, h("i.state", { "aria-hidden": "true" }), h("span.tool-name", {}, sentence(event.name)), h("span.took", {}, "running")),
      h("dl.tool-body", {}, h("dt", {}, "Tool"), h("dd", {}, h("code", {}, event.name)), count ? [h("dt", {}, "Asked with"), h("dd", {}, h("pre", { tabindex: "0" }, JSON.stringify(event.arguments, null, 2)))] : []),
    );
    part.tools.append(h("li", {}, chip));
  }

  #toolReturned(event) {
    const chips = [...this.#part(event.agent).tools.querySelectorAll(".tool")];
    const chip = chips.find((one) => one.dataset.call === event.call_id);
    if (!chip) return;
    chip.dataset.state = event.ok ? "ok" : "failed";
    chip.querySelector(".took").textContent = event.ok ? milliseconds(event.duration_ms) : "failed";
    if (event.summary) chip.querySelector(".tool-body").append(h("dt", {}, event.ok ? "Found" : "Error"), h("dd", {}, event.summary));
  }

  #draw(agent, now = false) {
    this.dirty.add(agent);
    if (now) this.#flush();
    else this.frame ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    for (const agent of this.dirty) {
      const part = this.parts.get(agent);
      // A unified answer names each agent in a heading of its own; here the badge does.
      const heading = `**${this.#name(agent)}**`;
      const text = part.text.trimStart();
      part.words.replaceChildren(...render(!part.badge.hidden && text.startsWith(heading) ? text.slice(heading.length) : text, (n) => this.#citationButton(n)));
    }
    this.dirty.clear();
    this.actions.grown?.();
  }

  #citationButton(n) {
    const citation = this.citations.get(n);
    if (!citation) return null;
    return h("button.cite", { type: "button", "aria-label": `Source ${n}: ${citation.title}`, title: citation.title, onclick: () => this.actions.openSource(citation) }, String(n));
  }

  #drawSources() {
    const entries = [...this.citations.values()].sort((a, b) => a.n - b.n);
    this.sources.hidden = entries.length === 0;
    this.sources.replaceChildren(
      ...entries.map((one) => h("li", {}, h("button.source", { type: "button", onclick: () => this.actions.openSource(one) }, h("b", {}, String(one.n)), h("span", {}, one.title)))),
    );
  }

  #traceButton(label = "Trace") {
    if (!this.traceId) return "";
    return h("button.link", { type: "button", "data-trace": this.traceId, onclick: () => this.actions.openTrace(this.traceId) }, label);
  }

  async #copy(button) {
    try {
      await navigator.clipboard.writeText(this.text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = "Copy"), 1_500);
  }
}
