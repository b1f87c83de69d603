/** The waterfall of a trace: a tree of spans with bars, by mouse or by keyboard. */

import { h, milliseconds, serviceHue } from "./dom.js";

const POLLS_MAX = 8;
const POLL_MS = 700;
const INDENT_PX = 14;
const BAR_PERCENT_MIN = 0.4;

export class TraceSheet {
  constructor(dialog, api) {
    this.dialog = dialog;
    this.api = api;
    this.title = dialog.querySelector("#trace-title");
    this.body = dialog.querySelector("#trace-body");
    this.sidecars = true;
    this.collapsed = new Set();
    this.details = new Set();
    dialog.addEventListener("close", () => (this.id = ""));
  }

  /** Shows the trace, and keeps looking for a few seconds while its last spans arrive. */
  async open(traceId) {
    this.id = traceId;
    this.collapsed.clear();
    this.details.clear();
    this.title.textContent = "Loading";
    this.body.replaceChildren(h("p.hint", {}, "Collecting spans…"));
    if (!this.dialog.open) this.dialog.showModal();
    let count = -1;
    let unchanged = 0;
    for (let poll = 0; poll < POLLS_MAX && this.id === traceId && unchanged < 3; poll++) {
      try {
        const trace = await this.api().trace(traceId);
        if (this.id !== traceId) return;
        unchanged = trace.spans.length === count ? unchanged + 1 : 0;
        if (trace.spans.length !== count) this.#show(trace);
        count = trace.spans.length;
      } catch (error) {
        if (this.id !== traceId) return;
        if (count < 0 && poll === POLLS_MAX - 1) this.#missing(error, traceId);
        else if (error.status && error.status !== 404) return this.#missing(error, traceId);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #missing(error, traceId) {
    this.title.textContent = "Not available";
    this.body.replaceChildren(
      h("p", {}, error.message),
      h("button.button", { type: "button", onclick: () => this.open(traceId) }, "Look again"),
      h("p.hint.reference", {}, "Trace ", h("code", {}, traceId)),
    );
  }

  #show(trace) {
    this.trace = trace;
    const errors = trace.spans.filter((span) => span.status === "error").length;
    this.title.textContent = milliseconds(trace.duration_ms);
    const toggle = h("label.toggle", {}, h("input", { type: "checkbox", checked: this.sidecars, onchange: (event) => { this.sidecars = event.target.checked; this.#rows(); } }), "Sidecars");
    const legend = h("ul.legend", { "aria-label": "Services" }, trace.services.filter((name) => !isSidecar(name)).map((name) => h(`li.${serviceHue(name)}`, {}, h("i.dot", { "aria-hidden": "true" }), name)));
    const summary = h("p.hint", {}, `${trace.spans.length} spans, ${trace.services.length} services`, errors ? h("strong.bad", {}, `, ${errors} failed`) : "");
    this.tree = h("div.waterfall", { role: "tree", "aria-label": "Spans", onkeydown: (event) => this.#key(event) });
    this.body.replaceChildren(h("div.trace-head", {}, summary, toggle), legend, this.tree, h("p.hint.reference", {}, "Trace ", h("code", {}, trace.trace_id)));
    this.#rows();
  }

  #rows() {
    const focused = document.activeElement?.closest?.("[role=treeitem]")?.dataset.span;
    const spans = arrange(this.trace.spans, this.sidecars);
    const total = Math.max(this.trace.duration_ms, 0.001);
    const rows = [];
    let hiddenBelow = Infinity;
    for (const span of spans) {
      if (span.level > hiddenBelow) continue;
      const closed = this.collapsed.has(span.span_id);
      hiddenBelow = closed ? span.level : Infinity;
      rows.push(this.#row(span, total, closed));
      if (this.details.has(span.span_id)) rows.push(detail(span));
    }
    this.tree.replaceChildren(ruler(total), ...rows);
    const items = [...this.tree.querySelectorAll("[role=treeitem]")];
    const current = items.find((item) => item.dataset.span === focused);
    (current ?? items[0])?.setAttribute("tabindex", "0");
    if (focused) current?.focus();
  }

  #row(span, total, closed) {
    const bar = h("i.bar");
    const left = Math.min((span.start_ms / total) * 100, 100 - BAR_PERCENT_MIN);
    bar.style.left = `${left}%`;
    bar.style.width = `${Math.max(Math.min((span.duration_ms / total) * 100, 100 - left), BAR_PERCENT_MIN)}%`;
    const took = h("span.took", {}, milliseconds(span.duration_ms));
    const label = h("span.span-name", {}, h("i.twist", { "aria-hidden": "true" }, span.parents ? (closed ? "▸" : "▾") : ""), h("i.dot", { "aria-hidden": "true" }), h("b", {}, span.service), h("span", {}, shortName(span.name)));
    label.style.paddingLeft = `${Math.min(span.level, 12) * INDENT_PX}px`;
    const row = h(
      `div.span.${serviceHue(span.service)}`,
      {
        role: "treeitem", tabindex: "-1", "data-span": span.span_id, "data-status": span.status, "data-sidecar": String(isSidecar(span.service)),
        "aria-level": String(span.level + 1), "aria-expanded": span.parents ? String(!closed) : null,
        title: `${span.service} · ${span.name}\nstarts at ${milliseconds(span.start_ms)}, takes ${milliseconds(span.duration_ms)}, of that itself ${milliseconds(span.self_ms)}${span.orphan ? "\nits parent span is missing" : ""}${span.message ? `\n${span.message}` : ""}`,
        "aria-label": `${span.service}, ${span.name}, ${milliseconds(span.duration_ms)}, starts at ${milliseconds(span.start_ms)}${span.status === "error" ? ", failed" : ""}`,
        onclick: (event) => this.#click(event, span),
      },
      label, h("span.lane", {}, bar), took,
    );
    return row;
  }

  #click(event, span) {
    if (event.target.closest(".twist") && span.parents) this.#toggle(this.collapsed, span.span_id);
    else this.#toggle(this.details, span.span_id);
    this.#focus(span.span_id);
  }

  #toggle(set, id) {
    if (!set.delete(id)) set.add(id);
    this.#rows();
  }

  #focus(id) {
    const items = [...this.tree.querySelectorAll("[role=treeitem]")];
    for (const item of items) item.tabIndex = item.dataset.span === id ? 0 : -1;
    items.find((item) => item.dataset.span === id)?.focus();
  }

  #key(event) {
    const items = [...this.tree.querySelectorAll("[role=treeitem]")];
    const at = items.findIndex((item) => item === document.activeElement);
    if (at < 0) return;
    const id = items[at].dataset.span;
    const expanded = items[at].getAttribute("aria-expanded");
    const go = (index) => this.#focus(items[Math.max(0, Math.min(items.length - 1, index))].dataset.span);
    const actions = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(items.length - 1),
      ArrowRight: () => (expanded === "false" ? this.#toggle(this.collapsed, id) : go(at + 1)),
      ArrowLeft: () => (expanded === "true" ? this.#toggle(this.collapsed, id) : go(parentIndex(items, at))),
      Enter: () => this.#toggle(this.details, id),
      " ": () => this.#toggle(this.details, id),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }
}

function isSidecar(service) {
  return /[.-](dapr|daprd|sidecar)$/.test(service);
}

/** A sidecar's own calls by their last part: `/dapr.proto.runtime.v1.Dapr/GetState` is `GetState`. */
function shortName(name) {
  return name.replace(/^\/dapr\.proto\.[A-Za-z0-9.]+\//, "");
}

/** Spans with their level and whether they have children; without sidecars the children move up. */
function arrange(spans, sidecars) {
  const levels = new Map();
  const kept = [];
  for (const span of spans) {
    const above = levels.has(span.parent_id) ? levels.get(span.parent_id) : -1;
    const shown = sidecars || !isSidecar(span.service);
    levels.set(span.span_id, shown ? above + 1 : above);
    if (shown) kept.push({ ...span, level: above + 1, parents: false });
  }
  kept.forEach((span, index) => (span.parents = kept[index + 1]?.level > span.level));
  return kept;
}

function parentIndex(items, at) {
  const level = Number(items[at].getAttribute("aria-level"));
  for (let index = at - 1; index >= 0; index--) if (Number(items[index].getAttribute("aria-level")) < level) return index;
  return at;
}

function ruler(total) {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => h("span", {}, part === 0 ? "0" : milliseconds(total * part)));
  return h("div.ruler", { "aria-hidden": "true" }, h("span.span-name"), h("span.lane", {}, marks), h("span.took"));
}

function detail(span) {
  const rows = Object.entries(span.attributes).sort(([a], [b]) => a.localeCompare(b));
  const facts = [["self time", milliseconds(span.self_ms)], ["starts at", milliseconds(span.start_ms)], ["kind", span.kind], ["span id", span.span_id]];
  if (span.message) facts.unshift(["error", span.message]);
  if (span.orphan) facts.unshift(["parent", "missing"]);
  const list = h("dl", {}, [...facts, ...rows].map(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
  return h("div.span-detail", {}, list);
}
