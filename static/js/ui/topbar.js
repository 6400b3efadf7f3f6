// The top bar: title, live with its time, language, and for who leads the
// class the menu with links, lock and end.

import { byId, el, setText } from "./dom.js";
import { elapsed } from "../format.js";
import { language, loadLanguage, onLanguage, t, translate } from "../i18n.js";
import { ask, openMenu } from "./dialogs.js";
import { FaultError } from "../fault.js";

/** @typedef {import("./page.js").Page} Page */

/** How long before its end a class is told, in ms. */
const endNotice = 5 * 60_000;

/** What a language calls itself. @type {Record<string, string>} */
const languageNames = { id: "Bahasa Indonesia", en: "English" };

/** @param {Page & {showKeys: () => void, busy: () => boolean}} page */
export function mountTopbar(page) {
  const { session, toasts } = page;
  const { store, config, actions } = session;

  /** The end that was announced. */
  let toldOf = 0;

  function clock() {
    const { cls } = store.get();
    const live = Boolean(cls.liveSince);
    byId("live-badge").hidden = !live;
    byId("live-badge").toggleAttribute("data-paused", Boolean(cls.presenterLostUntil));
    if (live) setText(byId("live-time"), elapsed(Date.now() - cls.liveSince));
    const left = cls.endsAt ? cls.endsAt - Date.now() : Infinity;
    if (left > 0 && left < endNotice && toldOf !== cls.endsAt) {
      toldOf = cls.endsAt ?? 0;
      toasts.show({ key: "ends", title: t("class.endsSoon", { count: Math.ceil(left / 60_000) }), stay: true });
    }
  }
  setInterval(clock, 1000);

  store.watch(["cls"], ({ cls }) => {
    clock();
    setText(byId("class-title"), cls.title);
    byId("class-title").title = cls.title;
    byId("locked-badge").hidden = !cls.locked;
  });

  const menuButton = byId("menu-button");
  menuButton.addEventListener("click", () => {
    const { cls } = store.get();
    /** @type {import("./dialogs.js").Item[]} */
    const items = [];
    if (page.may("invite") && config.urls.links) items.push({ label: t("class.inviteMenu"), icon: "link-45deg", run: () => void invite(), testid: "invite" });
    if (page.may("seeAttendance") && config.urls.attendance) items.push({ label: t("class.attendance"), icon: "card-checklist", href: config.urls.attendance });
    if (page.may("lock")) {
      items.push({
        label: t(cls.locked ? "class.unlock" : "class.lock"), icon: cls.locked ? "unlock" : "lock",
        run: () => void actions.ask("lock", { locked: !cls.locked }), testid: "lock",
      });
    }
    if (page.may("endClass")) items.push({ label: t("class.end"), icon: "x-octagon", danger: true, run: () => void end(), testid: "end-class" });
    if (items.length) items.push({ line: true });
    items.push({ label: t("class.keys"), icon: "keyboard", run: page.showKeys });
    items.push({ line: true }, { head: t("class.language") });
    for (const code of config.languages) {
      items.push({ label: languageNames[code] ?? code, icon: "translate", checked: code === language(), run: () => void choose(code), testid: `language-${code}` });
    }
    openMenu(menuButton, items);
  });

  /** In place, so that a broadcast goes on; the server remembers it for the next page. @param {string} code */
  async function choose(code) {
    try {
      await loadLanguage(code);
    } catch {
      return toasts.fault(new FaultError("languageFailed"));
    }
    document.documentElement.lang = code;
    const body = new URLSearchParams({ language: code, csrf: config.csrf });
    await fetch(config.urls.language, { method: "POST", body, headers: { "X-CSRF-Token": config.csrf }, redirect: "manual" }).catch(() => {});
  }
  onLanguage(() => translate(document));

  async function end() {
    const yes = await ask({ title: t("class.endTitle"), text: t("class.endText"), yes: t("class.end"), danger: true });
    if (yes) void actions.ask("endClass");
  }

  byId("leave").addEventListener("click", async () => {
    if (store.get().live === "live" || page.busy()) {
      const text = store.get().live === "live" ? t("class.leaveLiveText") : t("class.leaveUploadText");
      const yes = await ask({ title: t("class.leaveTitle"), text, yes: t("class.leave"), danger: true });
      if (!yes) return;
    }
    leaving = true;
    await actions.leave();
    location.assign(config.urls.back ?? config.urls.leave);
  });
  let leaving = false;
  window.addEventListener("beforeunload", (event) => {
    // A reload while live comes back by itself; a half-sent file does not.
    if (!leaving && page.busy()) event.preventDefault();
  });

  // --- invite links

  async function invite() {
    const box = byId("invite-links");
    const dialog = /** @type {HTMLDialogElement} */ (byId("invite"));
    box.replaceChildren(el("p", { text: t("class.inviteWait") }));
    dialog.showModal();
    /** @type {HTMLElement[]} */
    const parts = [];
    for (const role of ["viewer", "moderator"]) {
      const url = await link(role);
      if (url) parts.push(linkField(role, url));
    }
    if (parts.length) box.replaceChildren(...parts);
    else {
      dialog.close();
      toasts.fault(new FaultError("linksFailed"));
    }
  }

  /** @param {string} role */
  async function link(role) {
    try {
      const response = await fetch(config.urls.links ?? "", {
        method: "POST", headers: { "X-CSRF-Token": config.csrf, Accept: "application/json" },
        body: new URLSearchParams({ role, csrf: config.csrf }),
      });
      const answer = await response.json();
      return response.ok ? String(answer.url ?? "") : "";
    } catch {
      return "";
    }
  }

  /** @param {string} role @param {string} url */
  function linkField(role, url) {
    const id = `invite-${role}`;
    const input = el("input", { class: "form-control", attrs: { id, readonly: "", value: new URL(url, location.href).href, "data-testid": id } });
    input.addEventListener("focus", () => input.select());
    const copy = el("button", { class: "btn btn-outline-secondary", text: t("class.copy"), attrs: { type: "button" } });
    copy.addEventListener("click", async () => {
      input.select();
      // Without https the clipboard is closed to scripts; the text is selected then.
      const done = await navigator.clipboard?.writeText(input.value).then(() => true, () => false);
      copy.textContent = t(done ? "class.copied" : "class.copySelected");
    });
    return el("div", { class: "k-invite" },
      el("label", { text: t(`class.invite.${role}`), attrs: { for: id } }), el("div", { class: "k-field-row" }, input, copy));
  }
}
