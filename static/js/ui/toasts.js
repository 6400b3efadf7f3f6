// Notices: what happened, what Kelas does about it, what you can do.

import { byId, el, icon } from "./dom.js";
import { faultText, has, onLanguage, t } from "../i18n.js";

/** @typedef {{label: string, run: () => void}} Action */
/** @typedef {ReturnType<typeof createToasts>} Toasts */

const most = 4;

export function createToasts() {
  const box = byId("toasts");
  const alarm = byId("alarm");
  /** @type {Map<string, {node: HTMLElement, timer?: ReturnType<typeof setTimeout>}>} */
  const shown = new Map();

  /** @param {string} key */
  function dismiss(key) {
    const toast = shown.get(key);
    if (!toast) return;
    clearTimeout(toast.timer);
    toast.node.remove();
    shown.delete(key);
  }

  /**
   * @param {{key: string, kind?: "info" | "fault", title: string, text?: string, actions?: Action[], stay?: boolean}} notice
   */
  function show({ key, kind = "info", title, text = "", actions = [], stay = false }) {
    dismiss(key);
    const node = el("div", { class: "k-toast", data: { kind, testid: "notice" } },
      icon(kind === "fault" ? "exclamation-triangle-fill" : "info-circle-fill"),
      el("p", { class: "k-toast-title", text: title }),
      el("button", {
        class: "k-toast-close", attrs: { type: "button", "aria-label": t("class.close") }, on: { click: () => dismiss(key) },
      }, icon("x-lg")),
      text && el("p", { class: "k-toast-text", text }),
      actions.length > 0 && el("div", { class: "k-toast-actions" }, ...actions.map(({ label, run }) => el("button", {
        class: "btn btn-sm btn-primary", text: label, attrs: { type: "button" },
        on: { click: () => { dismiss(key); run(); } },
      }))));
    box.append(node);
    alarm.textContent = `${title} ${text}`;
    /** @type {{node: HTMLElement, timer?: ReturnType<typeof setTimeout>}} */
    const toast = { node };
    if (!stay) {
      const arm = () => { toast.timer = setTimeout(() => dismiss(key), kind === "fault" ? 12_000 : 7_000); };
      // Whoever reads or is about to press should not lose it.
      node.addEventListener("pointerenter", () => clearTimeout(toast.timer));
      node.addEventListener("pointerleave", arm);
      node.addEventListener("focusin", () => clearTimeout(toast.timer));
      arm();
    }
    shown.set(key, toast);
    for (const oldest of shown.keys()) {
      if (shown.size <= most) break;
      dismiss(oldest);
    }
  }

  /**
   * A failure by its code: error.<code>, and error.<code>.help for what to do.
   *
   * @param {{code: string, message?: string}} error
   * @param {Action[]} [actions]
   */
  function fault(error, actions) {
    show({ key: `fault:${error.code}`, kind: "fault", title: faultText(error), text: helpText(error.code), actions });
  }

  onLanguage(() => { for (const key of [...shown.keys()]) dismiss(key); });
  return { show, fault, dismiss };
}

/** What Kelas does and what one can do, or "". @param {string} code */
export function helpText(code) {
  const key = `error.${code}.help`;
  return has(key) ? t(key) : "";
}
