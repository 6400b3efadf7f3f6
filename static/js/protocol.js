// The line to the class: connection, join and resume, requests and their
// answers. No DOM here, and no rule of the page; a test or another client can
// use it as it is.
//
// The socket and the media fail and recover separately: losing this line says
// nothing about the pictures.

import { backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { FaultError, asFault } from "./fault.js";

/** @typedef {import("../types/kelas.d.ts").Io} Io */
/** @typedef {import("../types/kelas.d.ts").Socket} Socket */
/** @typedef {import("../types/kelas.d.ts").Phase} Phase */
/** @typedef {import("../types/kelas.d.ts").Joined} Joined */
/** @typedef {import("../types/kelas.d.ts").EndpointRole} EndpointRole */

const connectTimeout = 10_000;
const answerTimeout = 10_000;
const negotiateTimeout = 15_000;
/** The server keeps a lost place for 30 s: until then it is tried often enough to be back in time. */
export const patience = 30_000;
/** The server pings every 25 s. */
const longestQuiet = 30_000;

/** Coming again would be answered the same way; only the person can change something. */
const finalCodes = new Set([
  "noIdentity", "tokenExpired", "tokenUsed", "keyInvalid", "scopeMissing", "tokenForged", "tokenNotYet", "tokenOtherClass", "nameNeeded", "nameInvalid",
  "classNotFound", "classLocked", "classEnded", "removed", "guestsRefused", "lobbyRefused", "replaced", "sessionResumed", "tooManySessions", "originForbidden", "unsupported",
]);

/**
 * Whether a refusal is final.
 *
 * @param {string} code
 */
export function isFinal(code) {
  return finalCodes.has(code);
}

/**
 * @typedef {object} ConnectionOptions
 * @property {Io} io
 * @property {string} url origin of the server
 * @property {string} path of Socket.IO
 * @property {string} classId
 * @property {string} language
 * @property {() => number} lastSeq the last chat number this page knows to be stored
 * @property {{load(): string, save(token: string): void}} session where the session token is kept
 */

/**
 * Events: "phase" {Phase}, "joined" {Joined, asked: number, away: number}, and every event
 * of the server by its own name.
 */
export class Connection extends Emitter {
  #options;
  /** @type {Socket} */ #socket;
  /** @type {Phase} */ #phase = { name: "connecting", attempt: 0, retryAt: 0 };
  #attempt = 0;
  /** When the line went, null while it is there. @type {number | null} */
  #lostAt = null;
  /** When the server was last heard, its pings included. */
  #heardAt = Date.now();
  /** @type {Promise<void> | null} */ #probing = null;
  #stopped = false;
  #joined = false;
  #asked = 0;
  #notBefore = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {Map<EndpointRole, {resolve: (a: {sdpAnswer: string, endpoint: string}) => void, reject: (e: Error) => void}>} */
  #negotiations = new Map();

  /** @param {ConnectionOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    // Its own reconnection is off: it gives up after refusals and knows
    // nothing of serverClosing or of a network that has come back.
    this.#socket = options.io(options.url, {
      path: options.path,
      transports: ["websocket"],
      query: { class: options.classId },
      auth: { class: options.classId },
      autoConnect: false,
      reconnection: false,
      timeout: connectTimeout,
      forceNew: true,
    });
    this.#listen();
  }

  /** @returns {Phase} */
  get phase() {
    return this.#phase;
  }

  get online() {
    return this.#phase.name === "online";
  }

  start() {
    this.#stopped = false;
    this.#attempt = 0;
    this.#open();
  }

  /** Ends the line for good (until start). @param {import("../types/kelas.d.ts").Fault} [fault] why, when it was not by choice */
  close(fault) {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket.disconnect();
    this.#dropped();
    this.#setPhase({ name: fault ? "refused" : "closed", attempt: this.#attempt, retryAt: 0, fault });
  }

  /** Tries now instead of waiting for the back-off. */
  retryNow() {
    if (this.#stopped || this.#socket.connected || this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  /**
   * The network may have changed under an open socket, which would notice only
   * after the ping timeout: ask, and start over when nothing answers.
   */
  async probe() {
    if (!this.online) return this.retryNow();
    this.#probing ??= this.#ask().finally(() => { this.#probing = null; });
    return this.#probing;
  }

  async #ask() {
    try {
      await this.request("stats", {}, 4000);
    } catch (error) {
      // Any answer, a refusal too, proves the line.
      if (asFault(error).code === "timeout") this.#socket.io.engine?.close();
    }
  }

  /**
   * How long this page was away when it joins again, in ms. A laptop that slept
   * learns of its lost line only when it wakes; what it last heard tells more.
   */
  #away() {
    const now = Date.now();
    return Math.max(now - (this.#lostAt ?? now), now - this.#heardAt - longestQuiet);
  }

  /**
   * @param {string} event
   * @param {object} [body]
   * @param {number} [timeout] ms
   * @returns {Promise<any>} the answer; rejects with FaultError
   */
  request(event, body = {}, timeout = answerTimeout) {
    if (!this.#socket.connected || (!this.#joined && event !== "join")) {
      return Promise.reject(new FaultError("offline", "no connection to the class"));
    }
    return new Promise((resolve, reject) => {
      this.#socket.timeout(timeout).emit(event, body, (error, answer) => {
        if (error) {
          const lost = !this.#socket.connected;
          reject(new FaultError(lost ? "offline" : "timeout", `${event}: ${error.message}`));
        } else if (answer && answer.ok === false) {
          reject(asFault(answer.error));
        } else {
          resolve(answer ?? {});
        }
      });
    });
  }

  /**
   * Sends an SDP offer for one of the two endpoints and waits for the answer.
   * One at a time for each role: a newer one overtakes.
   *
   * @param {EndpointRole} role
   * @param {string} sdpOffer
   * @param {string} [endpoint] renegotiate this endpoint (ICE restart)
   * @returns {Promise<{sdpAnswer: string, endpoint: string}>}
   */
  negotiate(role, sdpOffer, endpoint) {
    if (!this.online) return Promise.reject(new FaultError("offline", "no connection to the class"));
    this.#negotiations.get(role)?.reject(new FaultError("overtaken", "a newer offer was sent"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(new FaultError("timeout", `${role}: no answer`))), negotiateTimeout);
      /** @param {() => void} then */
      const settle = (then) => {
        clearTimeout(timer);
        if (this.#negotiations.get(role) === entry) this.#negotiations.delete(role);
        then();
      };
      const entry = {
        /** @param {{sdpAnswer: string, endpoint: string}} a */
        resolve: (a) => settle(() => resolve(a)),
        /** @param {Error} e */
        reject: (e) => settle(() => reject(e)),
      };
      this.#negotiations.set(role, entry);
      // The answer is an event; the acknowledgement matters only when the
      // message itself was refused (too large, too fast).
      this.#socket.emit(role, endpoint ? { sdpOffer, endpoint } : { sdpOffer }, (/** @type {any} */ ack) => {
        if (ack?.ok === false) entry.reject(asFault(ack.error));
      });
    });
  }

  /**
   * @param {EndpointRole} endpoint
   * @param {RTCIceCandidateInit} candidate
   */
  sendCandidate(endpoint, candidate) {
    if (!this.online) return; // a restart follows the reconnect and gathers anew
    const { candidate: line = "", sdpMid, sdpMLineIndex } = candidate;
    this.#socket.emit("onIceCandidate", { endpoint, candidate: { candidate: line, sdpMid, sdpMLineIndex } });
  }

  #open() {
    this.#timer = undefined;
    this.#setPhase({ name: this.#attempt === 0 ? "connecting" : "lost", attempt: this.#attempt, retryAt: 0 });
    this.#socket.connect();
  }

  #listen() {
    const socket = this.#socket;
    socket.on("connect", () => this.#join());
    socket.on("connect_error", (error) => {
      const fault = error?.data?.code ? asFault(error.data) : undefined;
      if (fault && isFinal(fault.code)) this.close(fault);
      else this.#retry(fault);
    });
    socket.on("disconnect", () => {
      this.#lostAt ??= Date.now();
      this.#dropped();
      if (!this.#stopped) this.#retry();
    });
    socket.onAny((event, body) => this.#dispatch(event, body ?? {}));
    socket.io.on?.("ping", () => { this.#heardAt = Date.now(); });
  }

  async #join() {
    const { session, lastSeq, language } = this.#options;
    this.#asked = lastSeq();
    const token = session.load();
    const body = { lastSeq: this.#asked, language, ...(token && { session: token }) };
    try {
      await this.request("join", body);
    } catch (error) {
      const fault = asFault(error);
      if (fault.code === "offline") return; // "disconnect" says the rest
      if (fault.code === "inLobby") {
        this.#attempt = 0;
        return this.#setPhase({ name: "lobby", attempt: 0, retryAt: 0 });
      }
      if (isFinal(fault.code)) return this.close(fault);
      this.#lastFault = fault;
      this.#socket.disconnect();
    }
  }

  /** @type {FaultError | undefined} why the last join failed, until one succeeds */
  #lastFault;

  /**
   * @param {string} event
   * @param {any} body
   */
  #dispatch(event, body) {
    const away = this.#away();
    this.#heardAt = Date.now();
    switch (event) {
      case "joined":
        this.#joined = true;
        this.#attempt = 0;
        this.#lostAt = null;
        this.#lastFault = undefined;
        this.#options.session.save(body.session);
        this.#setPhase({ name: "online", attempt: 0, retryAt: 0 });
        this.emit("joined", { joined: /** @type {Joined} */ (body), asked: this.#asked, away });
        return;
      case "presenterResponse":
      case "viewerResponse": {
        const waiting = this.#negotiations.get(event === "viewerResponse" ? "viewer" : "presenter");
        if (body.response === "accepted") waiting?.resolve({ sdpAnswer: body.sdpAnswer, endpoint: body.endpoint ?? "" });
        else waiting?.reject(asFault(body));
        return;
      }
      case "lobbyAdmitted":
        void this.#join();
        return;
      case "serverClosing":
        this.#notBefore = Date.now() + Math.min(30_000, Number(body.retryAfter) || 0);
        break;
      case "error":
        if (isFinal(body.code) && (!body.event || body.event === "join")) return this.close(asFault(body));
        break;
    }
    this.emit(event, body);
  }

  /** @param {FaultError} [fault] */
  #retry(fault) {
    if (this.#stopped) return;
    const max = Date.now() - (this.#lostAt ?? Date.now()) < patience ? 4000 : 15_000;
    const wait = Math.max(backoff(this.#attempt, { max }), this.#notBefore - Date.now() + backoff(0));
    this.#notBefore = 0;
    this.#attempt++;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#setPhase({ name: "lost", attempt: this.#attempt, retryAt: Date.now() + wait, fault: fault ?? this.#lastFault });
  }

  #dropped() {
    this.#joined = false;
    for (const waiting of [...this.#negotiations.values()]) {
      waiting.reject(new FaultError("offline", "the connection was lost"));
    }
  }

  /** @param {Phase} phase */
  #setPhase(phase) {
    this.#phase = phase;
    this.emit("phase", phase);
  }
}
