/** The supervisor's API and the console's own, with problem JSON turned into errors a person can read. */

import { EventParser } from "./sse.js";

const PAGE_TURNS = 100;
const RESUMES_MAX = 3;
const RESUME_DELAY_MS = 400;

/** A failure with a sentence for a person; `traceId` finds it in the traces. */
export class Problem extends Error {
  constructor(message, { code = "", status = 0, traceId = "", retryAfter = 0 } = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.traceId = traceId;
    this.retryAfter = retryAfter;
  }
}

export class Api {
  constructor(apiUrl, key) {
    this.apiUrl = apiUrl;
    this.key = key;
  }

  agents() {
    return this.#json(`${this.apiUrl}/v1/agents`);
  }

  /** The newest turns of a conversation, at most `PAGE_TURNS`, oldest of them first. */
  async conversation(id) {
    const url = `${this.apiUrl}/v1/conversations/${encodeURIComponent(id)}?limit=${PAGE_TURNS}`;
    const page = await this.#json(url);
    return page.turn_count > PAGE_TURNS ? this.#json(`${url}&after=${page.turn_count - PAGE_TURNS}`) : page;
  }

  source(uri) {
    return this.#json(`${this.apiUrl}/v1/sources?uri=${encodeURIComponent(uri)}`);
  }

  /** Rates a turn; `given` is `{turn_id, conversation_id, rating: "up" | "down", comment}`. */
  feedback(given) {
    return this.#json(`${this.apiUrl}/v1/feedback`, { method: "POST", headers: { accept: "application/json", "content-type": "application/json" }, body: JSON.stringify(given) });
  }

  trace(id) {
    return this.#json(`/api/traces/${encodeURIComponent(id)}`);
  }

  /**
   * The events of a turn. A broken stream is taken up again after the last event that came, under the same
   * idempotency key, so the turn runs once. Throws `Problem`; an abort by `signal` throws `AbortError`.
   */
  async *chat(body, { signal, idempotencyKey }) {
    let lastId = "";
    for (let attempt = 0; ; attempt++) {
      try {
        const headers = { accept: "text/event-stream", "content-type": "application/json", "idempotency-key": idempotencyKey };
        if (lastId) headers["last-event-id"] = lastId;
        const response = await this.#fetch(`${this.apiUrl}/v1/chat`, { method: "POST", headers, body: JSON.stringify(body), signal });
        for await (const event of events(response)) {
          if (event.id && event.id === lastId) continue;
          lastId = event.id || lastId;
          yield event.data;
          if (["turn.completed", "turn.failed", "turn.cancelled"].includes(event.data.type)) return;
        }
        throw new Problem("The connection broke before the answer was complete.", { code: "broken" });
      } catch (error) {
        if (error.name === "AbortError") throw error;
        const lost = !(error instanceof Problem) || error.code === "broken" || error.code === "unreachable";
        if (!lost || attempt >= RESUMES_MAX || (!lastId && attempt >= 1)) throw asProblem(error);
        await pause(RESUME_DELAY_MS * 2 ** attempt, signal);
      }
    }
  }

  async #json(url, options = { headers: { accept: "application/json" } }) {
    const response = await this.#fetch(url, options);
    return response.json();
  }

  async #fetch(url, options) {
    const headers = { ...options.headers, authorization: `Bearer ${this.key}` };
    let response;
    try {
      response = await fetch(url, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem("We cannot be reached right now. Please check your connection and try again.", { code: "unreachable" });
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

async function problemOf(response) {
  const about = { status: response.status, traceId: response.headers.get("x-trace-id") ?? "", retryAfter: Number(response.headers.get("retry-after")) || 0 };
  try {
    const body = await response.json();
    return new Problem(body.message || body.title, { ...about, code: body.code, traceId: body.trace_id || about.traceId });
  } catch {
    return new Problem("Something went wrong on our side. Please try again.", about);
  }
}

async function* events(response) {
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(value)) yield { id: event.id, data: JSON.parse(event.data) };
    }
  } finally {
    reader.cancel().catch(() => {}); // the stream may be aborted already: there is nothing left to cancel then
  }
}

function asProblem(error) {
  return error instanceof Problem ? error : new Problem("The connection broke before the answer was complete.", { code: "broken" });
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(new DOMException("stopped", "AbortError")); }, { once: true });
  });
}
