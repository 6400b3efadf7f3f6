// The page's words. Both languages are written by hand in i18n/class.*.json;
// a key has the same name in each.

/** @type {Record<string, string>} */
let strings = {};
let current = "en";
/** @type {Intl.PluralRules} */
let plural = new Intl.PluralRules("en");
/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * Loads a language and tells everybody who shows words.
 *
 * @param {string} language
 */
export async function loadLanguage(language) {
  const response = await fetch(new URL(`../i18n/class.${language}.json`, import.meta.url));
  if (!response.ok) throw new Error(`i18n ${language}: ${response.status}`);
  strings = await response.json();
  current = language;
  plural = new Intl.PluralRules(language);
  for (const listener of listeners) listener();
}

/** The language of the words, for dates and numbers too. */
export function language() {
  return current;
}

/** @param {() => void} listener called when the language has changed */
export function onLanguage(listener) {
  listeners.add(listener);
}

/**
 * The words of a key, with {name} filled in. With a count the key's ".one" or
 * ".other" form is taken by the language's own rule.
 *
 * @param {string} key
 * @param {Record<string, string | number> & {count?: number}} [values]
 */
export function t(key, values) {
  let text = strings[key];
  if (values?.count !== undefined) {
    text = strings[`${key}.${plural.select(values.count)}`] ?? strings[`${key}.other`] ?? text;
  }
  if (text === undefined) return key;
  return values ? fill(text, values) : text;
}

/** Whether the page has words for a key. @param {string} key */
export function has(key) {
  return key in strings;
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * What happened, in the words of the page; an unknown code keeps the server's.
 *
 * @param {{code: string, message?: string}} fault
 */
export function faultText(fault) {
  const key = `error.${fault.code}`;
  if (has(key)) return t(key);
  return fault.message || t("error.internal");
}

/**
 * Puts words on everything below root that names a key: data-i18n for the
 * text, data-i18n-title, -label and -placeholder for those attributes.
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-i18n]")) node.textContent = t(node.getAttribute("data-i18n") ?? "");
  for (const [data, attribute] of [["title", "title"], ["label", "aria-label"], ["placeholder", "placeholder"]]) {
    for (const node of root.querySelectorAll(`[data-i18n-${data}]`)) {
      node.setAttribute(attribute, t(node.getAttribute(`data-i18n-${data}`) ?? ""));
    }
  }
}
