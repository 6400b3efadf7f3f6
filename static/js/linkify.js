// Finds web addresses in text. Returns parts; the page makes text nodes and
// links of them, so nothing in a message is ever read as HTML.

/** @typedef {{text: string, href?: string}} Part */

const address = /\b(?:https?:\/\/|www\.)[^\s<>"'`\u0000-\u001f]+/gi;
// What ends a sentence does not end an address.
const trailing = /[.,;:!?…'"»”’*_~]+$/u;

/**
 * @param {string} text
 * @returns {Part[]}
 */
export function linkify(text) {
  /** @type {Part[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(address)) {
    const found = trim(match[0]);
    const href = target(found);
    if (!href) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index) });
    parts.push({ text: found, href });
    end = match.index + found.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** @param {string} found */
function trim(found) {
  for (;;) {
    const before = found;
    found = found.replace(trailing, "");
    // "(see https://a.example/x)" but "https://a.example/x_(y)".
    for (const [open, close] of [["(", ")"], ["[", "]"], ["{", "}"]]) {
      if (found.endsWith(close) && found.split(close).length > found.split(open).length) found = found.slice(0, -1);
    }
    if (found === before) return found;
  }
}

/** @param {string} found */
function target(found) {
  try {
    const url = new URL(/^www\./i.test(found) ? `https://${found}` : found);
    const web = url.protocol === "https:" || url.protocol === "http:";
    return web && url.hostname.includes(".") || url.hostname === "localhost" ? url.href : "";
  } catch {
    return "";
  }
}
