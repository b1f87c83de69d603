/** Server-sent events from a fetch body (WHATWG HTML, section 9.2), bounded. */

const BUFFER_CHARACTERS_MAX = 1_000_000;

/** Splits text chunks into events `{id, type, data}`. Feed it chunks in order. */
export class EventParser {
  #buffer = "";
  #id = "";
  #type = "";
  #data = [];

  /** The events that `chunk` completes. Throws `RangeError` for an event without end. */
  push(chunk) {
    this.#buffer += chunk;
    if (this.#buffer.length > BUFFER_CHARACTERS_MAX) throw new RangeError("event too long");
    const events = [];
    // A lone CR at the end may be half of a CRLF, so it waits for the next chunk.
    for (let match; (match = /\r\n|\n|\r(?!$)/.exec(this.#buffer)); ) {
      const line = this.#buffer.slice(0, match.index);
      this.#buffer = this.#buffer.slice(match.index + match[0].length);
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line) {
    if (line === "") {
      const event = this.#data.length ? { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") } : null;
      this.#type = "";
      this.#data = [];
      return event;
    }
    if (line.startsWith(":")) return null;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id") this.#id = value;
    return null;
  }
}
