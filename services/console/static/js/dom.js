/** Building elements. Text only ever becomes text nodes: nothing here parses HTML. */

/** `h("button.primary", {type: "button", onclick}, "Save")` */
export function h(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A line icon of one path, drawn by the page's own styles; it says nothing to screen readers. */
export function icon(path) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  made.append(line);
  return made;
}

const PALETTE_SIZE = 8;
const known = new Map();

/** A stable colour class for an agent or a service: `hue-0` … `hue-7`, handed out in order of appearance. */
export function hue(name) {
  if (!known.has(name)) known.set(name, known.size % PALETTE_SIZE);
  return `hue-${known.get(name)}`;
}
for (const name of ["supervisor", "billing", "tech", "product", "gateway", "console"]) hue(name);

/** The service that a sidecar's span belongs to shares its colour: `billing.dapr` → `billing`. */
export function serviceHue(service) {
  return hue(service.replace(/[.-](dapr|daprd|sidecar)$/, "").replace(/-t[0-9a-z]+$/, ""));
}

export function milliseconds(ms) {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 1_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return ms >= 0.95 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(2)} ms`;
}

const PICODOLLARS = 1e12;

/** Costs travel as whole picodollars. */
export function dollars(picodollars) {
  if (!picodollars) return "$0";
  const usd = picodollars / PICODOLLARS;
  return usd < 0.01 ? `$${usd.toFixed(5)}` : `$${usd.toFixed(3)}`;
}

/** `get_latest_invoice` → `Get latest invoice`. */
export function sentence(name) {
  const words = name.replace(/^[A-Za-z]+-(?=[a-z])/, "").replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
