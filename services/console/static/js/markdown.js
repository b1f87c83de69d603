/**
 * A safe subset of Markdown as DOM nodes: paragraphs, lists, headings, tables, fenced code, bold, emphasis, code and
 * `[n]` citations. Everything else stays text, so no markup from outside can ever become an element.
 */

import { h } from "./dom.js";

const INLINE = /(\*\*[^*\n]+\*\*|`[^`\n]+`|\*[^*\s][^*\n]*\*|\[\d{1,3}\])/;

/** Nodes for `text`; `citation(n)` gives the element for `[n]`, or null where there is no such citation. */
export function render(text, citation = () => null) {
  const lines = text.replace(/\r/g, "").split("\n");
  const blocks = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    if (!line.trim()) i++;
    else if (line.startsWith("```")) {
      const code = [];
      for (i++; i < lines.length && !lines[i].startsWith("```"); i++) code.push(lines[i]);
      i++;
      blocks.push(h("pre", { tabindex: "0" }, h("code", {}, code.join("\n"))));
    } else if (bullet(line)) {
      const list = h(bullet(line).ordered ? "ol" : "ul", bullet(line).ordered ? { start: bullet(line).number } : {});
      const ordered = bullet(line).ordered;
      for (; i < lines.length && bullet(lines[i])?.ordered === ordered; i++) list.append(h("li", {}, inline(bullet(lines[i]).text, citation)));
      blocks.push(list);
    } else if (/^#{1,6} /.test(line)) {
      blocks.push(h("h3", {}, inline(line.replace(/^#+ /, ""), citation)));
      i++;
    } else if (row(line) && /^[\s|:-]+$/.test(lines[i + 1] ?? "x")) {
      const body = h("tbody");
      const head = h("thead", {}, h("tr", {}, row(line).map((cell) => h("th", { scope: "col" }, inline(cell, citation)))));
      for (i += 2; i < lines.length && row(lines[i]); i++) body.append(h("tr", {}, row(lines[i]).map((cell) => h("td", {}, inline(cell, citation)))));
      blocks.push(h("div.table", { tabindex: "0" }, h("table", {}, head, body)));
    } else {
      const paragraph = h("p");
      for (let first = true; i < lines.length && lines[i].trim() && !startsBlock(lines[i]); i++, first = false) {
        if (!first) paragraph.append(h("br"));
        paragraph.append(...inline(lines[i], citation));
      }
      blocks.push(paragraph);
    }
  }
  return blocks;
}

function startsBlock(line) {
  return line.startsWith("```") || bullet(line) !== null || /^#{1,6} /.test(line);
}

function bullet(line) {
  const match = /^\s{0,6}(?:([-*•])|(\d{1,3})[.)])\s+(.*)$/.exec(line);
  return match ? { ordered: match[2] !== undefined, number: match[2], text: match[3] } : null;
}

function row(line) {
  return /^\s*\|.*\|\s*$/.test(line) ? line.trim().slice(1, -1).split("|").map((cell) => cell.trim()) : null;
}

function inline(text, citation) {
  return text.split(INLINE).filter(Boolean).map((part) => {
    if (/^\*\*[^*]+\*\*$/.test(part)) return h("strong", {}, inline(part.slice(2, -2), citation));
    if (/^`[^`]+`$/.test(part)) return h("code", {}, part.slice(1, -1));
    if (/^\*[^*]+\*$/.test(part)) return h("em", {}, part.slice(1, -1));
    const number = /^\[(\d+)\]$/.exec(part);
    return (number && citation(Number(number[1]))) || part;
  });
}
