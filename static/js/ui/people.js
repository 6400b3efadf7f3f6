// Who is here: presenter first, then moderators, then by name. Three hundred
// rows stay fast: they are kept, not rebuilt, and drawn ten times a second at
// most.

import { arrange, byId, el, icon, setText, throttled } from "./dom.js";
import { initials, nameColour } from "../colour.js";
import { language, onLanguage, t } from "../i18n.js";
import { ask, openMenu } from "./dialogs.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../../types/kelas.d.ts").Participant} Participant */

const searchFrom = 9;
const presenceIcons = { here: "circle-fill", away: "moon-fill", lost: "wifi-off" };

/** @param {Participant} p */
const rank = (p) => (p.presenting ? 0 : p.role === "presenter" ? 1 : p.role === "moderator" ? 2 : 3);

/**
 * @param {Iterable<Participant>} people
 * @param {string} [locale]
 */
export function sorted(people, locale) {
  const collator = new Intl.Collator(locale, { sensitivity: "base", numeric: true });
  return [...people].sort((a, b) => rank(a) - rank(b) || collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
}

/** @param {Page} page */
export function mountPeople(page) {
  const { session } = page;
  const list = byId("people-list");
  const search = /** @type {HTMLInputElement} */ (byId("people-search"));
  /** @type {Map<string, {node: HTMLElement, look: string}>} */
  const rows = new Map();

  const render = throttled(() => {
    const { people, you, cls } = session.store.get();
    const find = search.value.trim().toLocaleLowerCase();
    const shown = sorted(people.values(), language()).filter((p) => !find || p.name.toLocaleLowerCase().includes(find));
    arrange(list, shown.map(rowOf));
    const here = new Set(shown.map((p) => p.id));
    for (const id of rows.keys()) if (!here.has(id)) rows.delete(id);
    byId("people-head").hidden = people.size < searchFrom && !search.value;
    byId("people-none").hidden = !find || shown.length > 0;

    /** @param {Participant} p */
    function rowOf(p) {
      const own = p.id === you?.id;
      const look = [p.name, p.role, p.presence, p.media, p.presenting, p.bot, own, you?.role, cls.presenter, language()].join("|");
      const known = rows.get(p.id);
      if (known?.look === look) return known.node;
      const node = known?.node ?? el("li", { class: "k-person", data: { testid: "roster-row", participant: p.id } });
      fill(node, p, own);
      rows.set(p.id, { node, look });
      return node;
    }
  }, 100);

  /** @param {HTMLElement} node @param {Participant} p @param {boolean} own */
  function fill(node, p, own) {
    node.dataset.presence = p.presence;
    node.dataset.role = p.role;
    const role = p.presenting ? "presenting" : p.role;
    const state = el("span", { class: "k-person-state", data: { presence: p.presence } },
      icon(presenceIcons[p.presence] ?? "circle"), t(`people.${p.presence}`));
    if (p.presence !== "lost" && !p.presenting && !p.bot && session.store.get().cls.presenter) {
      state.append(" · ", t(p.media ? "people.sees" : "people.seesNot"));
    }
    node.replaceChildren(
      el("span", { class: `k-face k-name-${nameColour(p.id)}`, text: initials(p.name), attrs: { "aria-hidden": "true" } }),
      el("div", { class: "k-person-who" },
        el("div", { class: "k-person-name" },
          el("span", { text: own ? t("people.you", { name: p.name }) : p.name, title: p.name }),
          p.bot && el("span", { class: "k-tag", text: t("people.bot") }),
          role !== "viewer" && el("span", { class: "k-tag k-tag-presenter", text: t(`people.role.${role}`) })),
        state));
    const items = own && !page.may("handOver") ? [] : menuFor(p, own);
    if (!items.length) return;
    node.append(el("button", {
      class: "k-person-menu", title: t("people.menu", { name: p.name }),
      attrs: {
        type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "data-testid": "roster-menu",
        "aria-label": t("people.menu", { name: p.name }),
      },
      on: { click: (event) => openMenu(event.currentTarget, menuFor(p, own)) },
    }, icon("three-dots-vertical")));
  }

  /**
   * @param {Participant} p
   * @param {boolean} own
   * @returns {import("./dialogs.js").Item[]}
   */
  function menuFor(p, own) {
    /** @type {import("./dialogs.js").Item[]} */
    const items = [];
    const { cls } = session.store.get();
    if (!own) items.push({ label: t("people.write"), icon: "chat-left-text", run: () => page.writeTo(p), testid: "write-to" });
    if (p.presenting && !own && page.may("takeBack")) {
      items.push({ label: t("people.takeBack"), icon: "arrow-counterclockwise", run: () => takeBack(p), testid: "take-back" });
    }
    if (!p.presenting && page.may("handOver") && !(own && page.may("present"))) {
      items.push({ label: t(own ? "people.presentSelf" : "people.makePresenter"), icon: "easel", run: () => handOver(p, cls.presenter), testid: "hand-over" });
    }
    if (!own && page.may("setRole")) {
      if (p.role !== "moderator") items.push({ label: t("people.makeModerator"), icon: "shield-check", run: () => setRole(p, "moderator") });
      if (p.role !== "viewer") items.push({ label: t("people.makeViewer"), icon: "person", run: () => setRole(p, "viewer") });
    }
    if (!own && page.may("remove")) {
      if (items.length) items.push({ line: true });
      items.push({ label: t("people.remove"), icon: "person-x", danger: true, run: () => remove(p), testid: "remove" });
    }
    return items;
  }

  /** @param {Participant} p @param {string} presenter */
  async function handOver(p, presenter) {
    if (presenter) {
      const yes = await ask({ title: t("people.handOverTitle", { name: p.name }), text: t("people.handOverText"), yes: t("people.handOverYes") });
      if (!yes) return;
    }
    void session.actions.ask("handOver", { to: p.id });
  }

  /** @param {Participant} p */
  async function takeBack(p) {
    const yes = await ask({ title: t("people.takeBackTitle"), text: t("people.takeBackText", { name: p.name }), yes: t("people.takeBack") });
    if (yes) void session.actions.ask("takeBack");
  }

  /** @param {Participant} p @param {"moderator" | "viewer"} role */
  function setRole(p, role) {
    void session.actions.ask("setRole", { participant: p.id, role });
  }

  /** @param {Participant} p */
  async function remove(p) {
    const yes = await ask({
      title: t("people.removeTitle", { name: p.name }), text: t("people.removeText"), yes: t("people.remove"), danger: true,
    });
    if (yes) void session.actions.ask("remove", { participant: p.id });
  }

  search.addEventListener("input", render);
  session.store.watch(["people", "you", "cls"], render);
  session.store.watch(["people"], ({ people }) => {
    const here = [...people.values()].filter((p) => p.presence !== "lost").length;
    setText(byId("count"), String(here));
    setText(byId("count-words"), t("people.count", { count: here }));
    byId("count-button").title = t("people.count", { count: here });
  });
  byId("count-button").addEventListener("click", () => page.panel.reveal("people"));
  onLanguage(render);
}
