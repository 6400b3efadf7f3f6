// When there is nothing to come back to by itself: ended, removed, locked,
// opened elsewhere. Says what happened and what one can do.

import { byId, el, setText } from "./dom.js";
import { faultText, has, onLanguage, t } from "../i18n.js";
import { helpText } from "./toasts.js";

/** @typedef {import("./page.js").Page} Page */

/** @type {Record<string, string>} */
const icons = {
  classEnded: "flag", removed: "person-x", classLocked: "lock", replaced: "window-stack", sessionResumed: "window-stack", tooManySessions: "window-stack",
  lobbyRefused: "person-x", guestsRefused: "person-x", tokenExpired: "clock-history", unsupportedBrowser: "browser-chrome",
};
// Another try may be answered differently.
const again = new Set(["classLocked", "classEnded", "replaced", "sessionResumed", "tooManySessions"]);

/** @param {Pick<Page, "session">} page */
export function mountEnd({ session }) {
  const box = byId("end");
  const app = byId("app");
  let shown = "";

  /** @param {import("../../types/kelas.d.ts").Fault} fault */
  function show(fault) {
    shown = fault.code;
    byId("end-icon").className = `bi bi-${icons[fault.code] ?? "exclamation-circle"}`;
    const title = `error.${fault.code}.title`;
    setText(byId("end-title"), has(title) ? t(title) : faultText(fault));
    setText(byId("end-text"), [has(title) ? faultText(fault) : "", helpText(fault.code)].filter(Boolean).join("\n"));
    const buttons = [];
    if (again.has(fault.code)) {
      buttons.push(el("button", {
        class: "btn btn-outline-secondary", text: t(["replaced", "sessionResumed"].includes(fault.code) ? "class.useHere" : "class.tryAgain"),
        attrs: { type: "button", "data-testid": "try-again" },
        on: { click: () => { hide(); session.connection.start(); } },
      }));
    }
    const { me, urls } = session.config;
    const after = fault.code === "classEnded";
    const away = el("a", { class: "btn btn-primary", text: t(urls.back ? "class.toCourse" : after ? "class.seeAfter" : me.account ? "class.toClasses" : "class.toStart") });
    away.href = urls.back ?? (after ? urls.leave : me.account ? "/classes" : "/");
    buttons.push(away);
    if (after && urls.back) {
      const remains = el("a", { class: "btn btn-outline-secondary", text: t("class.seeAfter") });
      remains.href = urls.leave;
      buttons.push(remains);
    }
    byId("end-buttons").replaceChildren(...buttons);
    for (const dialog of document.querySelectorAll("dialog[open]")) /** @type {HTMLDialogElement} */ (dialog).close();
    box.hidden = false;
    app.inert = true;
    byId("end-title").focus();
  }

  function hide() {
    shown = "";
    box.hidden = true;
    app.inert = false;
  }

  session.store.watch(["phase"], ({ phase }) => {
    if (phase.name === "refused" && phase.fault) show(phase.fault);
    else if (shown && phase.name === "online") hide();
  });
  onLanguage(() => {
    const { phase } = session.store.get();
    if (shown && phase.fault) show(phase.fault);
  });
  return { show };
}
