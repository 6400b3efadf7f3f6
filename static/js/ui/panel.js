// The side panel: three tabs, what is new in each, folded away or not.

import { byId, setText } from "./dom.js";
import { t } from "../i18n.js";

/** @typedef {"chat" | "people" | "files"} TabName */
/** @typedef {ReturnType<typeof createPanel>} Panel */

/** @type {TabName[]} */
const names = ["chat", "people", "files"];

export function createPanel() {
  const app = byId("app");
  const toggle = byId("control-panel");
  /** @type {TabName} */
  let selected = "chat";
  /** @type {Record<TabName, number>} */
  const fresh = { chat: 0, people: 0, files: 0 };
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const narrow = window.matchMedia("(max-width: 767.98px)");
  const sideways = window.matchMedia("(orientation: landscape) and (max-height: 500px)");

  /** Whether somebody can see this tab now. @param {TabName} name */
  function visible(name) {
    const unfolded = app.dataset.panel === "open" || (narrow.matches && !sideways.matches);
    return selected === name && unfolded && !document.hidden;
  }

  /** @param {TabName} name @param {boolean} [focus] the tab itself */
  function select(name, focus = false) {
    selected = name;
    for (const tab of names) {
      const button = byId(`tab-${tab}`);
      button.setAttribute("aria-selected", String(tab === name));
      button.tabIndex = tab === name ? 0 : -1;
      byId(`panel-${tab}`).hidden = tab !== name;
      if (tab === name && focus) button.focus();
    }
    seen();
  }

  /** @param {boolean} open */
  function fold(open) {
    app.dataset.panel = open ? "open" : "closed";
    toggle.setAttribute("aria-pressed", String(open));
    toggle.dataset.state = open ? "active" : "";
    seen();
  }

  /** Opens the panel at a tab. @param {TabName} name */
  function reveal(name) {
    if (app.dataset.panel !== "open") fold(true);
    select(name);
  }

  function seen() {
    if (visible(selected)) fresh[selected] = 0;
    badges();
    for (const listener of listeners) listener();
  }

  function badges() {
    let all = 0;
    for (const name of names) {
      const badge = /** @type {HTMLElement} */ (byId(`tab-${name}`).querySelector(".k-badge"));
      badge.hidden = fresh[name] === 0;
      setText(badge, fresh[name] > 99 ? "99+" : String(fresh[name] || ""));
      badge.title = t("class.newItems", { count: fresh[name] });
      all += fresh[name];
    }
    const badge = /** @type {HTMLElement} */ (toggle.querySelector(".k-badge"));
    badge.hidden = all === 0 || app.dataset.panel === "open";
    setText(badge, all > 99 ? "99+" : String(all || ""));
  }

  /** Something new that may not have been seen. @param {TabName} name */
  function news(name) {
    if (visible(name)) return;
    fresh[name]++;
    badges();
  }

  for (const name of names) {
    const button = byId(`tab-${name}`);
    button.addEventListener("click", () => select(name));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      select(names[(names.indexOf(name) + step + names.length) % names.length], true);
    });
  }
  toggle.addEventListener("click", () => fold(app.dataset.panel !== "open"));
  byId("panel-close").addEventListener("click", () => {
    fold(false);
    toggle.focus();
  });
  document.addEventListener("visibilitychange", seen);
  sideways.addEventListener("change", () => fold(!sideways.matches));
  fold(!sideways.matches);

  return {
    select, reveal, visible, news,
    get open() { return app.dataset.panel === "open"; },
    /** @param {() => void} listener */
    onSeen: (listener) => void listeners.add(listener),
  };
}
