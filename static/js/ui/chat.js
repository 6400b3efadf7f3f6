// The chat: newest at the bottom, stays where one reads, the box keeps what
// was typed.

import { arrange, byId, el, icon, setText } from "./dom.js";
import { nameColour } from "../colour.js";
import { clock } from "../format.js";
import { faultText, language, onLanguage, t } from "../i18n.js";
import { linkify } from "../linkify.js";
import { ask } from "./dialogs.js";
import { asFault } from "../fault.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../chatlog.js").Row} Row */

const pageSize = 50;
const most = 300; // rows in the document

/** @param {Page} page */
export function mountChat(page) {
  const { session, panel } = page;
  const { chat } = session;
  const scroll = byId("chat-scroll");
  const list = byId("chat-list");
  const jump = byId("chat-jump");
  /** @type {Map<string, {node: HTMLElement, look: string}>} */
  const nodes = new Map();
  /** Rows in view end here; null follows the newest. @type {string | null} */
  let lastKey = null;
  let count = 2 * pageSize;
  let unread = 0;
  let loading = false;

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
  let following = true;

  session.store.watch(["welcome"], ({ welcome }) => {
    byId("welcome").hidden = !welcome;
    byId("welcome-text").replaceChildren(...linkNodes(welcome));
  });
  byId("welcome-close").addEventListener("click", () => { byId("welcome").hidden = true; });

  function render() {
    const all = chat.rows();
    let end = all.length;
    if (lastKey !== null) {
      const at = all.findIndex((row) => row.key === lastKey);
      if (at >= 0) end = at + 1;
      else lastKey = null;
    }
    const rows = all.slice(Math.max(0, end - count), end);
    const fromBottom = scroll.scrollHeight - scroll.scrollTop;
    const first = list.firstElementChild;
    const wasAt = first ? /** @type {HTMLElement} */ (first).offsetTop : 0;

    /** @type {HTMLElement[]} */
    const wanted = [];
    /** @type {Row | null} */
    let before = null;
    for (const row of rows) {
      wanted.push(nodeOf(row, follows(before, row)));
      before = row;
    }
    const prepended = first && wanted[0] !== first && wanted.includes(/** @type {HTMLElement} */ (first));
    arrange(list, wanted);
    const keys = new Set(rows.map((r) => r.key));
    for (const key of nodes.keys()) if (!keys.has(key)) nodes.delete(key);

    // Reading goes on where it was; only who is at the end follows.
    if (following && lastKey === null) scroll.scrollTop = scroll.scrollHeight;
    else if (prepended) scroll.scrollTop = scroll.scrollHeight - fromBottom;
    else if (first?.isConnected) scroll.scrollTop += /** @type {HTMLElement} */ (first).offsetTop - wasAt;

    byId("chat-empty").hidden = all.length > 0 || !session.store.get().joined;
    const older = byId("chat-older");
    older.hidden = !loading && (chat.more || all.length < pageSize || end - rows.length > 0);
    setText(older, t(loading ? "chat.loading" : "chat.beginning"));
    showJump(all.length - end);
  }

  /** Whether a row belongs to the one above: same person, same kind, two minutes. @param {Row | null} before @param {Row} row */
  function follows(before, row) {
    const a = before && (before.entry ?? before.pending);
    const b = row.entry ?? row.pending;
    if (!before || !a || !b || b.kind === "announcement" || a.kind !== b.kind || b.at - a.at > 120_000) return false;
    if ((a.to?.id ?? "") !== (b.to?.id ?? "")) return false;
    return before.own === row.own && (row.own || before.entry?.from.id === row.entry?.from.id);
  }

  /** @param {Row} row @param {boolean} continues */
  function nodeOf(row, continues) {
    const { you, phase } = session.store.get();
    const waits = row.state === "sending" && phase.name !== "online";
    const look = [row.state, row.pending?.code, row.entry?.seq, row.entry?.deleted, continues, waits, language(), you?.role].join("|");
    const known = nodes.get(row.key);
    if (known?.look === look) return known.node;
    const node = known?.node ?? el("li", { class: "k-message", data: { testid: "chat-message" } });
    fillMessage(node, row, continues, waits);
    nodes.set(row.key, { node, look });
    return node;
  }

  /** @param {HTMLElement} node @param {Row} row @param {boolean} continues @param {boolean} waits */
  function fillMessage(node, row, continues, waits) {
    const you = session.store.get().you;
    const message = /** @type {NonNullable<Row["entry"] | Row["pending"]>} */ (row.entry ?? row.pending);
    const from = row.entry?.from ?? { id: you?.id ?? "", name: you?.name ?? "", role: you?.role ?? "viewer" };
    node.dataset.state = row.state;
    node.dataset.kind = message.kind;
    if (row.entry) node.dataset.seq = String(row.entry.seq);
    else delete node.dataset.seq;
    node.toggleAttribute("data-follows", continues);
    node.toggleAttribute("data-deleted", Boolean(row.entry?.deleted));

    const head = el("div", { class: `k-message-head${continues ? " visually-hidden" : ""}` },
      el("span", { class: `k-message-name k-name-${nameColour(from.id)}`, text: row.own ? t("chat.fromYou", { name: from.name }) : from.name }),
      from.role !== "viewer" && message.kind !== "announcement" && el("span", { class: "k-tag k-tag-presenter", text: t(`people.role.${from.role}`) }),
      message.kind === "announcement" && el("span", { class: "k-tag k-tag-presenter" }, icon("megaphone-fill"), t("chat.announcement")),
      message.kind === "private" && el("span", { class: "k-tag k-tag-private" }, icon("lock-fill"),
        row.own ? t("chat.privateTo", { name: message.to?.name ?? "" }) : t("chat.privateToYou")),
      el("time", { text: clock(message.at, language()), attrs: { datetime: new Date(message.at).toISOString() } }));

    const text = el("p", { class: "k-message-text" });
    if (row.entry?.deleted) text.textContent = t("chat.deleted");
    else text.append(...linkNodes(message.text));
    node.replaceChildren(head, text);
    const state = stateOf(row, waits);
    if (state) node.append(state);
    const tools = toolsOf(row);
    if (tools) node.append(tools);
  }

  /** @param {Row} row @param {boolean} waits */
  function stateOf(row, waits) {
    if (!row.own || row.state === "stored" || row.entry?.deleted) return null;
    const box = el("div", { class: "k-message-state" });
    const { pending } = row;
    if (row.state === "failed" && pending) {
      box.append(
        el("span", {}, icon("exclamation-circle-fill"), ` ${t("chat.failed")} ${faultText({ code: pending.code ?? "internal" })}`),
        el("button", { text: t("chat.retry"), attrs: { type: "button", "data-testid": "chat-retry" }, on: { click: () => session.actions.retryChat(pending.clientId) } }),
        el("button", { text: t("chat.discard"), attrs: { type: "button" }, on: { click: () => session.actions.discardChat(pending.clientId) } }));
    } else {
      box.append(icon(row.state === "sent" ? "check2" : "clock"), t(row.state === "sent" ? "chat.sent" : waits ? "chat.waits" : "chat.sending"));
    }
    return box;
  }

  /** @param {Row} row */
  function toolsOf(row) {
    const entry = row.entry;
    if (!entry || entry.deleted || !(row.own || page.may("deleteAnyChat"))) return null;
    return el("div", { class: "k-message-tools" }, el("button", {
      title: t("chat.delete"), attrs: { type: "button", "aria-label": t("chat.delete"), "data-testid": "chat-delete" },
      on: {
        click: async () => {
          const yes = await ask({ title: t("chat.deleteTitle"), text: t("chat.deleteText"), yes: t("chat.delete"), danger: true });
          if (yes) void session.actions.ask("chatDelete", { seq: entry.seq });
        },
      },
    }, icon("trash3")));
  }

  /** @param {number} hidden rows below the view */
  function showJump(hidden) {
    if (following && lastKey === null) unread = 0;
    jump.hidden = following && lastKey === null;
    const label = unread > 0 ? t("chat.new", { count: unread }) : t("chat.toEnd");
    setText(/** @type {HTMLElement} */ (jump.querySelector("span")), label);
    jump.dataset.hidden = String(hidden);
  }

  async function older() {
    const all = chat.rows();
    const end = lastKey === null ? all.length : all.findIndex((r) => r.key === lastKey) + 1;
    if (end - count > 0) {
      grow(all, end);
    } else if (chat.more && !loading && session.connection.online) {
      loading = true;
      render();
      try {
        await session.actions.olderChat();
        const now = chat.rows();
        grow(now, lastKey === null ? now.length : now.findIndex((r) => r.key === lastKey) + 1);
      } catch (error) {
        const fault = asFault(error);
        if (fault.code !== "offline") page.toasts.fault(fault);
      }
      loading = false;
      render();
    }
  }

  /** Shows a page more at the top; beyond the cap the bottom gives way. @param {Row[]} all @param {number} end */
  function grow(all, end) {
    count += pageSize;
    if (count > most) {
      const cut = Math.max(end - (count - most), Math.min(end, most));
      if (cut < all.length) lastKey = all[cut - 1]?.key ?? null;
      count = most;
    }
    render();
  }

  /** Back towards the newest, a page at a time. */
  function newer() {
    const all = chat.rows();
    const at = all.findIndex((r) => r.key === lastKey);
    const end = Math.min(all.length, at + 1 + pageSize);
    lastKey = end >= all.length ? null : all[end - 1].key;
    render();
  }

  function toEnd() {
    lastKey = null;
    count = 2 * pageSize;
    following = true;
    unread = 0;
    render();
    scroll.scrollTop = scroll.scrollHeight;
  }

  scroll.addEventListener("scroll", () => {
    following = atEnd();
    if (following && lastKey !== null) newer();
    else if (scroll.scrollTop < 80) void older();
    showJump(0);
  }, { passive: true });
  jump.addEventListener("click", toEnd);
  panel.onSeen(() => { if (following && panel.visible("chat")) scroll.scrollTop = scroll.scrollHeight; });
  new ResizeObserver(() => { if (following) scroll.scrollTop = scroll.scrollHeight; }).observe(scroll);

  session.news.on("chat", (/** @type {import("../../types/kelas.d.ts").ChatEntry} */ entry) => {
    if (entry.kind === "deletion" || entry.from.id === session.store.get().you?.id) return;
    if (!following) unread++;
    panel.news("chat");
    const key = entry.kind === "private" ? "chat.spokenPrivate" : "chat.spoken";
    page.announce(t(key, { name: entry.from.name, text: entry.text }));
    showJump(0);
  });
  session.store.watch(["chatRevision", "joined", "you", "phase"], render);
  session.store.watch(["delayed"], ({ delayed }) => {
    byId("chat-delayed").hidden = delayed === 0;
    if (delayed) setText(byId("chat-delayed"), t("chat.delayed", { count: delayed }));
  });
  onLanguage(render);
  return { toEnd };
}

/** @param {string} text */
function linkNodes(text) {
  return linkify(text).map(({ text: shown, href }) => {
    if (!href) return document.createTextNode(shown);
    const link = el("a", { text: shown });
    link.href = href;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    return link;
  });
}
