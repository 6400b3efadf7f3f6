// The lobby, from both sides: a guest waits on a page of its own, and those
// who may let people in see who waits, above the roster and as a notice.

import { arrange, byId, el, icon, setText } from "./dom.js";
import { initials, nameColour } from "../colour.js";
import { clock } from "../format.js";
import { language, onLanguage, t } from "../i18n.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../../types/kelas.d.ts").Waiting} Waiting */

/** @param {Page} page */
export function mountLobby(page) {
  const { session, toasts } = page;
  const { store, actions } = session;

  // --- who waits

  const box = byId("wait");
  const app = byId("app");
  store.watch(["phase"], ({ phase, joined }) => {
    const waits = phase.name === "lobby" || (!box.hidden && !joined && ["connecting", "lost"].includes(phase.name));
    setText(byId("wait-text"), t(phase.name === "lobby" ? "people.waitText" : "net.reconnecting"));
    if (waits === !box.hidden) return;
    box.hidden = !waits;
    if (phase.name !== "refused") app.inert = waits;
    if (waits) byId("wait-title").focus();
    else if (phase.name === "online") page.announce(t("people.letIn"));
  });
  byId("wait-leave").addEventListener("click", () => {
    session.connection.close();
    location.assign(session.config.urls.back ?? "/");
  });

  // --- who lets in

  const section = byId("lobby");
  const list = byId("lobby-list");
  const all = byId("lobby-all");
  /** @type {Map<string, {node: HTMLElement, look: string}>} */
  const rows = new Map();

  function render() {
    const waiting = [...store.get().lobby.values()];
    section.hidden = waiting.length === 0;
    setText(byId("lobby-title"), t("people.waiting", { count: waiting.length }));
    all.hidden = waiting.length < 2;
    const focused = section.contains(document.activeElement);
    arrange(list, waiting.map(rowOf));
    // Not the next row: a key that is held would let everybody in.
    if (focused && !section.contains(document.activeElement)) byId(waiting.length ? "lobby-title" : "tab-people").focus();
    for (const id of rows.keys()) if (!store.get().lobby.has(id)) rows.delete(id);
  }

  /** @param {Waiting} w */
  function rowOf(w) {
    const known = rows.get(w.id);
    if (known?.look === language()) return known.node;
    const node = known?.node ?? el("li", { class: "k-person k-waiting", data: { testid: "lobby-row" } });
    node.replaceChildren(
      el("span", { class: `k-face k-name-${nameColour(w.id)}`, text: initials(w.name), attrs: { "aria-hidden": "true" } }),
      el("div", { class: "k-person-who" },
        el("div", { class: "k-person-name" }, el("span", { text: w.name, title: w.name })),
        el("span", { class: "k-person-state", text: t("people.waitsSince", { time: clock(w.since, language()) }) })),
      button(w, true, "btn-primary", "people.admit", "check-lg"),
      button(w, false, "btn-outline-secondary", "people.refuse", "x-lg"));
    rows.set(w.id, { node, look: language() });
    return node;
  }

  /** @param {Waiting} w @param {boolean} yes @param {string} look @param {string} key @param {string} picture */
  function button(w, yes, look, key, picture) {
    const label = t(key, { name: w.name });
    return el("button", {
      class: `btn btn-sm ${look} k-lobby-button`, title: label,
      attrs: { type: "button", "aria-label": label, "data-testid": yes ? "lobby-admit" : "lobby-refuse" },
      on: { click: () => void decide(w, yes) },
    }, icon(picture));
  }

  /** @param {Waiting} w @param {boolean} yes */
  function decide(w, yes) {
    toasts.dismiss(`lobby:${w.id}`);
    return actions.ask("admit", { id: w.id, in: yes });
  }

  all.addEventListener("click", async () => {
    for (const w of [...store.get().lobby.values()]) if (!(await decide(w, true))) return;
  });
  /** Whose coming was told. @type {Set<string>} */
  const told = new Set();
  /** Whether those who waited before this person came were told. */
  let greeted = false;
  function greet() {
    const { lobby, joined } = store.get();
    if (!lobby.size) toasts.dismiss("lobby");
    if (!joined || greeted) return;
    greeted = true;
    if (!lobby.size || page.panel.visible("people")) return;
    for (let i = 0; i < lobby.size; i++) page.panel.news("people");
    toasts.show({
      key: "lobby", title: t("people.waiting", { count: lobby.size }), stay: true,
      actions: [{ label: t("people.waitingShow"), run: () => page.panel.reveal("people") }],
    });
  }

  page.panel.onSeen(() => { if (page.panel.visible("people")) toasts.dismiss("lobby"); });
  store.watch(["lobby"], ({ lobby }) => {
    render();
    greet();
    for (const id of told) {
      if (lobby.has(id)) continue;
      told.delete(id);
      toasts.dismiss(`lobby:${id}`);
    }
  });
  session.news.on("waits", (/** @type {Waiting} */ w) => {
    told.add(w.id);
    page.panel.news("people");
    toasts.show({
      key: `lobby:${w.id}`, title: t("people.waitsNow", { name: w.name }), stay: true,
      actions: [{ label: t("people.admitShort"), run: () => void decide(w, true) }],
    });
  });
  onLanguage(render);
}
