// Questions and menus, by native dialogs and plain buttons.

import { byId, el, icon } from "./dom.js";
import { t } from "../i18n.js";

/**
 * Asks a yes-or-no question; closing it is no.
 *
 * @param {{title: string, text: string, yes: string, no?: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, yes, no = t("class.cancel"), danger = false }) {
  const box = /** @type {HTMLDialogElement} */ (byId("ask"));
  if (box.open) box.close("");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-no").textContent = no;
  const button = byId("ask-yes");
  button.textContent = yes;
  button.className = `btn ${danger ? "btn-danger" : "btn-primary"}`;
  box.returnValue = "";
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
  });
}

/**
 * @typedef {object} Item
 * @property {string} [label]
 * @property {string} [icon]
 * @property {() => void} [run]
 * @property {string} [href]
 * @property {boolean} [danger]
 * @property {boolean} [checked] one of several
 * @property {string} [head] a heading instead of something to press
 * @property {boolean} [line] a line instead
 * @property {string} [testid]
 */

/** @type {(() => void) | null} */
let closeOpen = null;

/**
 * Opens a menu at a button; pressing the button again closes it.
 *
 * @param {HTMLElement} anchor
 * @param {Item[]} items
 */
export function openMenu(anchor, items) {
  const again = anchor.getAttribute("aria-expanded") === "true";
  closeOpen?.();
  if (again) return;
  const menu = el("div", { class: "k-menu", attrs: { role: "menu" } });
  for (const item of items) menu.append(row(item, () => close(true)));
  document.body.append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");

  /** @param {boolean} back focus to the button */
  function close(back) {
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", gone);
    closeOpen = null;
    if (back) anchor.focus();
  }
  const gone = () => close(false);
  /** @param {PointerEvent} event */
  const outside = (event) => {
    const target = /** @type {Node} */ (event.target);
    if (!menu.contains(target) && !anchor.contains(target)) close(false);
  };
  closeOpen = gone;
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", gone);

  const entries = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("button, a")]);
  menu.addEventListener("keydown", (event) => {
    const at = entries.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      entries[(to + entries.length) % entries.length]?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close(true);
    }
    event.stopPropagation();
  });
  entries[0]?.focus();
}

/**
 * @param {Item} item
 * @param {() => void} close
 */
function row(item, close) {
  if (item.line) return el("hr");
  if (item.head !== undefined) return el("div", { class: "k-menu-head", text: item.head });
  const radio = item.checked !== undefined;
  const options = {
    class: item.danger ? "k-danger" : "",
    attrs: {
      role: radio ? "menuitemradio" : "menuitem", ...(radio && { "aria-checked": String(item.checked) }),
      ...(item.testid && { "data-testid": item.testid }),
    },
  };
  const inside = [item.icon ? icon(item.icon) : null, el("span", { text: item.label })];
  if (item.href) {
    const link = el("a", options, ...inside);
    link.href = item.href;
    link.target = "_blank";
    link.rel = "noopener";
    link.addEventListener("click", close);
    return link;
  }
  const button = el("button", options, ...inside);
  button.type = "button";
  button.addEventListener("click", () => {
    close();
    item.run?.();
  });
  return button;
}

/**
 * Below the button, or above where there is no room; never outside the window.
 *
 * @param {HTMLElement} menu
 * @param {HTMLElement} anchor
 */
function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(Math.max(8, at.right - width), window.innerWidth - width - 8);
  const below = at.bottom + 4;
  const top = below + height <= window.innerHeight - 8 ? below : Math.max(8, at.top - height - 4);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${top}px`;
}
