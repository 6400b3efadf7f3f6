// The chat of one class as one page knows it: numbered entries in their order,
// own messages that have no number yet, and what is stored. No DOM.
//
// A number is given at once, storing follows. After a server restart numbers
// that were never stored are given again to other messages, so entries beyond
// the last stored number are only a promise: on such a return those of others
// are dropped, and one's own are sent again under the same clientId, by which
// the server knows them.

/** @typedef {import("../types/kelas.d.ts").ChatEntry} ChatEntry */
/** @typedef {import("../types/kelas.d.ts").ChatKind} ChatKind */
/** @typedef {import("../types/kelas.d.ts").Joined} Joined */

/**
 * An own message without a number.
 *
 * @typedef {object} Pending
 * @property {string} clientId
 * @property {Exclude<ChatKind, "deletion">} kind
 * @property {string} text
 * @property {{id: string, name: string}} [to]
 * @property {number} at
 * @property {"sending" | "failed"} state
 * @property {string} [code] why it failed
 */

/**
 * A line to show.
 *
 * @typedef {object} Row
 * @property {string} key stays the same from sending to stored
 * @property {"sending" | "failed" | "sent" | "stored"} state
 * @property {boolean} own
 * @property {ChatEntry | null} entry
 * @property {Pending | null} pending
 */

export class ChatLog {
  /** @type {Map<number, ChatEntry>} */ #entries = new Map();
  /** @type {number[]} rising */ #order = [];
  /** @type {Map<string, Pending>} in the order they were sent */ #pending = new Map();
  /** @type {Map<string, number>} own clientId -> seq */ #numbered = new Map();
  #ownId = "";
  #stored = 0;
  /** Older entries exist on the server. */
  more = false;

  /** The number to resume from. */
  get storedSeq() {
    return this.#stored;
  }

  /** The lowest number in view, or 0. */
  get firstSeq() {
    return this.#order[0] ?? 0;
  }

  get size() {
    return this.#order.length + this.#pending.size;
  }

  /**
   * Takes in what a join brought.
   *
   * @param {Pick<Joined, "resumed" | "you" | "chat" | "chatMore" | "storedSeq">} joined
   * @param {number} asked the lastSeq this page asked from
   * @returns {{resend: Pending[], gap: {after: number, before: number} | null}} what to
   *   send again, and the numbers to fetch because more was missed than came
   */
  join(joined, asked) {
    this.#ownId = joined.you.id;
    if (!joined.resumed) this.#forgetUnstored(asked);
    for (const entry of joined.chat) this.#put(entry);
    this.#stored = Math.max(asked, joined.storedSeq);
    const first = joined.chat.length ? joined.chat[0].seq : 0;
    const gap = asked > 0 && joined.chatMore && first > asked + 1 ? { after: asked, before: first } : null;
    if (asked === 0) this.more = joined.chatMore;
    const resend = [...this.#pending.values()].filter((p) => p.state === "sending");
    return { resend, gap };
  }

  /** @param {number} after */
  #forgetUnstored(after) {
    for (const seq of this.#order.filter((s) => s > after)) {
      const entry = /** @type {ChatEntry} */ (this.#entries.get(seq));
      this.#entries.delete(seq);
      if (entry.from.id !== this.#ownId || !entry.clientId || entry.kind === "deletion") continue;
      this.#numbered.delete(entry.clientId);
      this.#pending.set(entry.clientId, {
        clientId: entry.clientId, kind: entry.kind, text: entry.text, to: entry.to, at: entry.at, state: "sending",
      });
    }
    this.#order = this.#order.filter((s) => s <= after);
  }

  /**
   * One entry from the server, by event or by acknowledgement, in any order
   * and as often as it likes.
   *
   * @param {ChatEntry} entry
   * @returns {boolean} whether it was new
   */
  add(entry) {
    return this.#put(entry);
  }

  /**
   * An older page.
   *
   * @param {ChatEntry[]} entries
   * @param {boolean} more
   */
  addHistory(entries, more) {
    for (const entry of entries) this.#put(entry);
    this.more = more;
  }

  /**
   * A page that closes a gap, which says nothing of what is older than all.
   *
   * @param {ChatEntry[]} entries
   */
  fillGap(entries) {
    for (const entry of entries) this.#put(entry);
  }

  /** @param {ChatEntry} entry */
  #put(entry) {
    if (entry.clientId && entry.from.id === this.#ownId) {
      this.#pending.delete(entry.clientId);
      this.#numbered.set(entry.clientId, entry.seq);
    }
    const known = this.#entries.get(entry.seq);
    if (known) {
      if (entry.deleted && !known.deleted) this.#entries.set(entry.seq, { ...known, deleted: true, text: "" });
      return false;
    }
    this.#entries.set(entry.seq, entry);
    // Nearly always the newest; otherwise find its place from the end.
    let at = this.#order.length;
    while (at > 0 && this.#order[at - 1] > entry.seq) at--;
    this.#order.splice(at, 0, entry.seq);
    if (entry.kind === "deletion" && entry.target) this.#delete(entry.target);
    return true;
  }

  /** @param {number} seq */
  #delete(seq) {
    const entry = this.#entries.get(seq);
    if (entry) this.#entries.set(seq, { ...entry, deleted: true, text: "" });
  }

  /** Every entry up to seq is stored. @param {number} seq */
  markStored(seq) {
    this.#stored = Math.max(this.#stored, seq);
  }

  /** @param {Omit<Pending, "state">} message */
  send(message) {
    this.#pending.set(message.clientId, { ...message, state: "sending" });
  }

  /**
   * @param {string} clientId
   * @param {string} code
   */
  fail(clientId, code) {
    const pending = this.#pending.get(clientId);
    if (pending) this.#pending.set(clientId, { ...pending, state: "failed", code });
  }

  /**
   * @param {string} clientId
   * @returns {Pending | undefined} to be sent again
   */
  retry(clientId) {
    const pending = this.#pending.get(clientId);
    if (!pending) return undefined;
    const again = { ...pending, state: /** @type {const} */ ("sending"), code: undefined };
    this.#pending.set(clientId, again);
    return again;
  }

  /** @param {string} clientId */
  discard(clientId) {
    this.#pending.delete(clientId);
  }

  /** @param {number} seq */
  entry(seq) {
    return this.#entries.get(seq);
  }

  /**
   * The newest lines in the order every page shows them; own ones without a
   * number last.
   *
   * @param {number} [limit]
   * @returns {Row[]}
   */
  rows(limit = Infinity) {
    /** @type {Row[]} */
    const rows = [];
    for (const pending of [...this.#pending.values()].reverse()) {
      if (rows.length >= limit) break;
      rows.push({ key: `c:${pending.clientId}`, state: pending.state, own: true, entry: null, pending });
    }
    for (let i = this.#order.length - 1; i >= 0 && rows.length < limit; i--) {
      const entry = /** @type {ChatEntry} */ (this.#entries.get(this.#order[i]));
      if (entry.kind === "deletion") continue;
      const own = entry.from.id === this.#ownId;
      rows.push({
        key: own && entry.clientId ? `c:${entry.clientId}` : `s:${entry.seq}`,
        state: entry.seq <= this.#stored ? "stored" : "sent",
        own, entry, pending: null,
      });
    }
    return rows.reverse();
  }
}
