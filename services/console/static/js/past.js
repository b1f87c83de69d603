/** The conversations this browser remembers, for each key its own list. Holds ids and titles, not the words. */

const CONVERSATIONS_MAX = 50;
const TITLE_CHARACTERS_MAX = 60;

/** Conversations of `who`, newest first: `[{id, title, at}]`. */
export function list(who) {
  try {
    const stored = JSON.parse(localStorage.getItem(slot(who)) ?? "[]");
    return Array.isArray(stored) ? stored : [];
  } catch {
    return []; // another version's or a broken entry: start afresh
  }
}

export function remember(who, id, title) {
  const others = list(who).filter((entry) => entry.id !== id);
  const known = list(who).find((entry) => entry.id === id);
  const entry = { id, title: known?.title ?? shorten(title), at: Date.now() };
  save(who, [entry, ...others].slice(0, CONVERSATIONS_MAX));
}

export function forget(who, id) {
  save(who, list(who).filter((entry) => entry.id !== id));
}

export function shorten(text) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > TITLE_CHARACTERS_MAX ? `${line.slice(0, TITLE_CHARACTERS_MAX - 1)}…` : line;
}

function slot(who) {
  return `switchboard.conversations.${who}`;
}

function save(who, entries) {
  try {
    localStorage.setItem(slot(who), JSON.stringify(entries));
  } catch {
    // Storage is full or forbidden (private window): the list lives only as long as the page.
  }
}
