// The box one writes in: to everybody, as an announcement, or to one person.

import { byId, el, setText } from "./dom.js";
import { onLanguage, t } from "../i18n.js";

/** @typedef {import("./page.js").Page} Page */

/**
 * @param {Page} page
 * @param {() => void} toEnd shows the newest message
 */
export function mountComposer(page, toEnd) {
  const { session } = page;
  const form = /** @type {HTMLFormElement} */ (byId("composer"));
  const box = /** @type {HTMLTextAreaElement} */ (byId("chat-input"));
  const to = /** @type {HTMLSelectElement} */ (byId("chat-to"));
  const limit = session.config.limits.chatMaxRunes;
  const draftKey = `kelas.draft.${session.config.classId}`;
  /** Kept when the person has gone: a private message waits for the return. @type {{id: string, name: string} | null} */
  let target = null;

  function fillTo() {
    const { people, you, cls } = session.store.get();
    const chosen = to.value || "all";
    const bound = you?.role === "viewer";
    const options = bound && cls.noPublicChat ? [] : [option("all", t("chat.toAll"))];
    if (page.may("announce")) options.push(option("announcement", t("chat.toAllAnnouncement")));
    const others = [...people.values()].filter((p) => p.id !== you?.id && !(bound && cls.noPrivateChat && p.role === "viewer")).sort((a, b) => a.name.localeCompare(b.name));
    if (target && !people.has(target.id)) others.unshift(/** @type {any} */ (target));
    const group = el("optgroup", { attrs: { label: t("chat.toOne") } });
    group.append(...others.map((p) => option(p.id, p.name)));
    to.replaceChildren(...options, ...(others.length ? [group] : []));
    to.value = chosen;
    if (to.selectedIndex < 0) to.selectedIndex = to.options.length ? 0 : -1;
    // Nobody to write to: the lesson's settings keep viewers from it.
    const closed = to.options.length === 0;
    for (const part of [box, to, /** @type {HTMLButtonElement} */ (byId("chat-send"))]) part.disabled = closed;
    const empty = /** @type {HTMLElement} */ (byId("chat-empty").querySelector("p"));
    empty.dataset.i18n = bound && cls.noPublicChat ? "chat.emptyPrivate" : "chat.empty";
    setText(empty, t(empty.dataset.i18n));
    dress();
  }

  /** @param {string} value @param {string} text */
  function option(value, text) {
    return el("option", { text, attrs: { value } });
  }

  function dress() {
    const one = to.value !== "all" && to.value !== "announcement";
    box.placeholder = t(box.disabled ? "chat.locked" : one ? "people.write" : "chat.write");
    /** @type {HTMLElement} */ (to.parentElement).toggleAttribute("data-private", one);
  }

  function grow() {
    box.style.height = "auto";
    box.style.height = `${Math.min(120, box.scrollHeight + 2)}px`;
  }

  function check() {
    const left = limit - [...box.value].length;
    setText(byId("chat-limit"), left < 0 ? t("chat.tooLong", { count: -left }) : "");
    return left >= 0;
  }

  function keepDraft() {
    try {
      if (box.value) sessionStorage.setItem(draftKey, box.value);
      else sessionStorage.removeItem(draftKey);
    } catch {
      // The box itself still has it.
    }
  }

  function send() {
    const text = box.value.trim();
    if (!text || !check()) return;
    const one = session.store.get().people.get(to.value) ?? (target?.id === to.value ? target : null);
    if (to.value === "announcement") session.actions.sendChat({ kind: "announcement", text });
    else if (to.value === "all") session.actions.sendChat({ kind: "message", text });
    else if (one) session.actions.sendChat({ kind: "private", text, to: { id: one.id, name: one.name } });
    else return page.toasts.fault({ code: "noSuchParticipant" });
    if (to.value === "announcement") to.value = "all"; // one at a time, so that none goes out by habit
    box.value = "";
    dress();
    grow();
    keepDraft();
    toEnd();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
    box.focus();
  });
  box.addEventListener("keydown", (event) => {
    // Enter while an input method composes belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  box.addEventListener("input", () => {
    grow();
    check();
    keepDraft();
  });
  // Three hundred options are made when somebody is about to choose.
  to.addEventListener("pointerdown", fillTo);
  to.addEventListener("focus", fillTo);
  to.addEventListener("change", () => {
    const person = session.store.get().people.get(to.value);
    target = person ? { id: person.id, name: person.name } : null;
    dress();
  });
  onLanguage(fillTo);
  session.store.watch(["you"], fillTo);
  // Who may write to leaders alone must find one that comes.
  session.store.watch(["people", "cls"], ({ cls, you }) => {
    if (you?.role === "viewer" && (cls.noPublicChat || cls.noPrivateChat) && document.activeElement !== to) fillTo();
  });
  try {
    box.value = sessionStorage.getItem(draftKey) ?? "";
  } catch {
    // No drafts, then.
  }
  grow();

  /** @param {{id: string, name: string}} person */
  function writeTo(person) {
    target = person;
    page.panel.reveal("chat");
    fillTo();
    to.value = person.id;
    dress();
    box.focus();
  }

  return { writeTo, focus: () => { page.panel.reveal("chat"); box.focus(); } };
}
