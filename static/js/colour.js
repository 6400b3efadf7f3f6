// Colours of names: spread evenly and readable on both backgrounds. The number
// picks a class in class.css (k-name-0 ...), where light and dark each have
// their own shades.

export const nameColours = 12;

/**
 * The same person has the same colour in every page and every visit.
 *
 * @param {string} id
 */
export function nameColour(id) {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < id.length; i++) {
    hash ^= id.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return ((hash ^ (hash >>> 15)) >>> 0) % nameColours;
}

/**
 * One or two letters for a round picture.
 *
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = (/** @type {string | undefined} */ w) => (w ? [...w][0] : "");
  return (first(words[0]) + (words.length > 1 ? first(words[words.length - 1]) : "")).toLocaleUpperCase();
}
