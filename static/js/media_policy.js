// When to do something about a connection. Pure: time comes in, decisions go
// out, so that every rule can be tested.

import { backoff } from "./backoff.js";

/**
 * Decides when the ICE of one endpoint is restarted.
 *
 * A restart costs a gap of a quarter of a second, so it is not done twice in
 * one go; when restarts do not help, a new connection is made; when that does
 * not help either, the person is told, and it goes on trying slowly.
 */
export class RestartPolicy {
  #random;
  #attempt = 0;
  #next = 0;
  #connectedAt = 0;
  #since = 0;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
  }

  get attempt() {
    return this.#attempt;
  }

  /** Enough was tried, for long enough, to tell the person. @param {number} now */
  hopeless(now) {
    return this.#attempt >= 2 && now - this.#since >= 10_000;
  }

  /**
   * Something is wrong. Says what to do and how long to wait before it.
   *
   * @param {number} now
   * @returns {{action: "restart" | "rebuild", wait: number}}
   */
  next(now) {
    if (this.#connectedAt && now - this.#connectedAt > 10_000) this.#attempt = 0;
    this.#connectedAt = 0;
    if (this.#attempt === 0) this.#since = now;
    const attempt = this.#attempt++;
    const pause = attempt === 0 ? 0 : backoff(attempt - 1, { base: 1000, max: 20_000, random: this.#random });
    const wait = Math.max(pause, this.#next - now);
    this.#next = now + wait + 1000;
    // The server keeps the endpoint through "failed", so a restart is tried
    // first; from the third attempt on every other one starts anew.
    return { action: attempt >= 2 && attempt % 2 === 0 ? "rebuild" : "restart", wait };
  }

  /** Media flows. It counts as healed after a while without trouble. @param {number} now */
  connected(now) {
    if (!this.#connectedAt) this.#connectedAt = now;
  }

  /** A new start by choice: no memory of old trouble. */
  reset() {
    this.#attempt = 0;
    this.#next = 0;
    this.#connectedAt = 0;
  }
}

/**
 * Decides how long a viewer's browser keeps pictures before it shows them. Of
 * temporal layers half the pictures are such that none refers to them: when a
 * packet of one is lost, browsers do not wait for it, and on a lossy line every
 * fourth picture would be missing. A little delay lets the repetition come.
 */
export class RepairWatch {
  #packets = 0;
  #asked = 0;
  #since = 0;
  #lossyAt = -Infinity;

  /**
   * @param {{packets: number, asked: number}} counters packets received, and asked for again, since the start
   * @param {number} now
   * @returns {boolean} whether pictures should be held
   */
  update({ packets, asked }, now) {
    const more = packets - this.#packets;
    const again = asked - this.#asked;
    if (more < 0 || again < 0) [this.#packets, this.#asked, this.#since] = [packets, asked, now];
    else if (now - this.#since >= 1000 && more >= 20) {
      [this.#packets, this.#asked, this.#since] = [packets, asked, now];
      if (again / more > 0.01) this.#lossyAt = now;
    }
    return now - this.#lossyAt < 20_000;
  }
}

/**
 * Notices that the server no longer answers a page that sends: reports of the
 * other end come several times a second, and stop at once when the way dies,
 * long before the browser's own checks give up.
 */
export class AnswerWatch {
  #limit;
  #sent = 0;
  #received = -1;
  #since = 0;

  /** @param {number} [limit] ms without a byte while we send */
  constructor(limit = 3000) {
    this.#limit = limit;
  }

  /**
   * @param {{sent: number, received: number}} counters packets of media sent, bytes of anything received
   * @param {number} now
   * @returns {boolean} true when nothing came for the limit though something was sent
   */
  update({ sent, received }, now) {
    const sending = sent > this.#sent;
    this.#sent = sent;
    if (received !== this.#received || !sending) {
      this.#received = received;
      this.#since = now;
      return false;
    }
    return now - this.#since >= this.#limit;
  }

  /** Counts from now. */
  reset() {
    this.#received = -1;
  }
}

/**
 * Notices that live slots are silent although nobody says so: a changed
 * address is not noticed by every browser (Firefox never does).
 */
export class SilenceWatch {
  #limit;
  /** @type {Map<string, {packets: number, since: number}>} */
  #slots = new Map();

  /** @param {number} [limit] ms without a packet */
  constructor(limit = 3000) {
    this.#limit = limit;
  }

  /**
   * @param {{slot: string, live: boolean, packets: number}[]} slots the counters as they are now
   * @param {number} now
   * @returns {boolean} true when no live slot has had a packet for the limit
   */
  update(slots, now) {
    let live = 0;
    let silent = 0;
    for (const { slot, live: on, packets } of slots) {
      const known = this.#slots.get(slot);
      if (!on) {
        this.#slots.delete(slot);
        continue;
      }
      live++;
      if (!known || known.packets !== packets) this.#slots.set(slot, { packets, since: now });
      else if (now - known.since >= this.#limit) silent++;
    }
    // One silent slot among others that flow is the source's silence (a still
    // screen), not the line's.
    return live > 0 && silent === live;
  }

  /** Counts from now, for example after a restart. */
  reset() {
    this.#slots.clear();
  }
}
