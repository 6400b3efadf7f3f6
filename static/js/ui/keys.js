// The keyboard: one letter for what is pressed often, and a list of them.

import { byId, el } from "./dom.js";
import { onLanguage, t } from "../i18n.js";

/**
 * @param {object} page
 * @param {import("../session.js").Session} page.session
 * @param {import("./sound.js").Sound} page.sound
 * @param {{toggleMic: () => void, toggleCamera: () => void, toggleScreen: () => void, toggleFull: () => void}} page.controls
 * @param {() => void} page.focusChat
 */
export function mountKeys({ session, sound, controls, focusChat }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  const app = byId("app");
  const live = () => session.store.get().live === "live";
  /** @type {Record<string, () => void>} */
  const keys = {
    m: () => (live() ? controls.toggleMic() : sound.toggle()),
    v: () => { if (live()) controls.toggleCamera(); },
    s: () => { if (live()) controls.toggleScreen(); },
    f: controls.toggleFull,
    c: focusChat,
    "?": show,
  };

  function show() {
    if (!dialog.open) dialog.showModal();
  }

  function fill() {
    byId("keys-list").replaceChildren(...["M", "V", "S", "F", "C", "?"].flatMap((key) => [
      el("dt", {}, el("kbd", { text: key })),
      el("dd", { text: t(`class.key.${key === "?" ? "help" : key}`) }),
    ]));
  }
  onLanguage(fill);
  fill();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Escape" && "full" in app.dataset && !document.fullscreenElement) return controls.toggleFull();
    if (target.closest("input, textarea, select, [contenteditable], dialog[open], .k-menu")) {
      if (event.key === "Escape" && target.id === "chat-input") target.blur();
      return;
    }
    const run = keys[event.key.toLowerCase()];
    if (!run) return;
    event.preventDefault();
    run();
  });

  return { show };
}
