/** The side sheet with a citation's passage, marked in the text that it stands in. */

import { h } from "./dom.js";
import { render } from "./markdown.js";

const AROUND_CHARACTERS = 4_000;

export class SourceSheet {
  constructor(dialog, api) {
    this.dialog = dialog;
    this.api = api;
    this.title = dialog.querySelector("#source-title");
    this.kicker = dialog.querySelector("#source-kicker");
    this.body = dialog.querySelector("#source-body");
  }

  async open(citation) {
    this.title.textContent = citation.title;
    this.kicker.textContent = `Source ${citation.n}`;
    const passage = h("mark.passage", { id: "passage" }, ...render(citation.span));
    this.body.replaceChildren(passage);
    this.dialog.showModal();
    this.opened = citation.uri;
    let document;
    try {
      document = await this.api().source(citation.uri);
    } catch {
      this.body.append(h("p.hint", {}, "Only the passage can be shown right now: the rest of the article does not load."));
      return;
    }
    if (this.opened !== citation.uri) return;
    this.#show(document, citation);
  }

  #show(document, citation) {
    const text = String(document.text ?? "");
    const named = /#(\d+)-(\d+)$/.exec(citation.uri);
    let start = named ? Number(named[1]) : text.indexOf(citation.span);
    let end = named ? Number(named[2]) : start + citation.span.length;
    if (typeof document.start === "number" && typeof document.end === "number") [start, end] = [document.start, document.end];
    if (!text || start < 0 || end > text.length || end <= start) return;
    const before = text.slice(Math.max(0, start - AROUND_CHARACTERS), start);
    const after = text.slice(end, end + AROUND_CHARACTERS);
    const mark = h("mark.passage", { id: "passage" }, ...render(text.slice(start, end)));
    this.body.replaceChildren(...render(before), mark, ...render(after));
    mark.scrollIntoView({ block: "center" });
  }
}
