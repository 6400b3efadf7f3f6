// One of the page's two WebRTC endpoints, as both have it in common: a
// PeerConnection that is negotiated once, trickles both ways, heals itself by
// ICE restarts and is rebuilt when they do not help. media_viewer.js receives,
// media_presenter.js sends.

import { Emitter } from "./emitter.js";
import { FaultError, asFault } from "./fault.js";
import { RestartPolicy } from "./media_policy.js";
import { readFigures, triedWays } from "./media_figures.js";

/** @typedef {import("./protocol.js").Connection} Connection */
/** @typedef {import("../types/kelas.d.ts").EndpointRole} EndpointRole */
/** @typedef {import("../types/kelas.d.ts").SlotName} SlotName */

/** "off" | "connecting" | "connected" | "troubled" (healing) | "failed" (told, still trying) @typedef {"off" | "connecting" | "connected" | "troubled" | "failed"} MediaState */

const healTimeout = 6000;
const serversFresh = 10 * 60_000;

/** Whether this browser can take part at all. */
export function supported() {
  return typeof RTCPeerConnection === "function" && "addTransceiver" in RTCPeerConnection.prototype
    && "replaceTrack" in (globalThis.RTCRtpSender?.prototype ?? {});
}

const videoOrder = ["video/VP8", "video/VP9", "video/H264", "video/AV1", "video/rtx"];

/**
 * The codecs worth offering, in our order: a list of all of them in each
 * m-line is most of an SDP's size, and work for the server at each join.
 *
 * @param {"audio" | "video"} kind
 * @param {RTCRtpCapabilities | null} capabilities
 */
export function wantedCodecs(kind, capabilities) {
  const codecs = capabilities?.codecs ?? [];
  if (kind === "audio") return codecs.filter((c) => c.mimeType.toLowerCase() === "audio/opus");
  const rank = (/** @type {string} */ mime) => videoOrder.findIndex((m) => m.toLowerCase() === mime.toLowerCase());
  return codecs
    .filter((c) => rank(c.mimeType) >= 0 && wantedProfile(c))
    .sort((a, b) => rank(a.mimeType) - rank(b.mimeType));
}

/** Screen profiles (4:4:4, 10 bit) that no camera sends are left out. @param {RTCRtpCodec} codec */
function wantedProfile(codec) {
  const line = codec.sdpFmtpLine ?? "";
  const profile = /(?:^|;)\s*profile(?:-id)?=(\d+)/.exec(line)?.[1];
  if (/vp9|av1/i.test(codec.mimeType)) return !profile || profile === "0";
  if (/h264/i.test(codec.mimeType)) return !/profile-level-id=f4/i.test(line);
  return true;
}

/**
 * Events: "state" {state, tried?}, "figures" Figures, "fault" FaultError (the
 * server refused and trying again would not help).
 */
export class Endpoint extends Emitter {
  /** @type {EndpointRole} */ role;
  /** @protected @type {RTCPeerConnection | null} */ pc = null;
  /** @protected */ connection;
  /** @type {MediaState} */ state = "off";
  #endpoint = "";
  #policy = new RestartPolicy();
  #wanted = false;
  /** The peer connection a running step belongs to; a newer one makes it stale. */
  #generation = 0;
  #answered = false;
  /** @type {RTCIceCandidateInit[]} */ #localQueue = [];
  /** @type {RTCIceCandidateInit[]} */ #remoteQueue = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #healTimer;
  /** @type {ReturnType<typeof setInterval> | undefined} */ #statsTimer;
  /** @type {import("./media_figures.js").Totals | null} */ #totals = null;
  /** @type {RTCConfiguration} */ #configuration = {};
  #configuredAt = 0;
  /** @type {(() => void)[]} */ #off = [];

  /**
   * @param {EndpointRole} role
   * @param {Connection} connection
   */
  constructor(role, connection) {
    super();
    this.role = role;
    this.connection = connection;
    this.#off.push(
      connection.on("iceCandidate", (m) => m.endpoint === role && this.#remoteCandidate(m.candidate)),
      connection.on("mediaState", (m) => m.endpoint === role && this.#serverSays(m.state)),
    );
  }

  /** @protected Ends with the endpoint. @param {() => void} off */
  listen(off) {
    this.#off.push(off);
  }

  /** @param {RTCIceServer[]} iceServers @param {RTCIceTransportPolicy} [policy] */
  configure(iceServers, policy) {
    this.#configuration = {
      iceServers, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require",
      ...(policy && { iceTransportPolicy: policy }),
    };
    this.#configuredAt = Date.now();
    // Short-lived TURN credentials: a restart must use the new ones.
    try {
      this.pc?.setConfiguration(this.#configuration);
    } catch {
      // Some browsers refuse a change of the bundle policy's spelling; the next build has it.
    }
  }

  get wanted() {
    return this.#wanted;
  }

  /** @protected Adds the m-lines; the subclass knows which. @param {RTCPeerConnection} _pc */
  build(_pc) {}

  /** @protected Looks at one report a second. @param {RTCStatsReport} _report @param {number} _now */
  watch(_report, _now) {}

  /** @protected @param {string} _mid @returns {string} */
  slotOf(_mid) {
    return "";
  }

  /** Starts (or starts over) and resolves when the server has answered. */
  async open() {
    this.#wanted = true;
    this.#policy.reset();
    await this.#rebuild();
  }

  /** Starts and goes on trying: for what nobody waits for. */
  start() {
    this.#wanted = true;
    this.#policy.reset();
    return this.#heal("rebuild");
  }

  /** @protected After a connection was built anew by itself; the server knows nothing of before. */
  rebuilt() {}

  /** Ends the endpoint here; the caller tells the server. */
  close() {
    this.#wanted = false;
    this.#tearDown();
    this.#setState("off");
  }

  dispose() {
    this.close();
    for (const off of this.#off) off();
  }

  /**
   * The line to the class is back.
   *
   * @param {boolean} resumed the server still knows this endpoint
   */
  lineBack(resumed) {
    if (!this.#wanted) return;
    if (!resumed || !this.pc || !this.#answered) this.#heal("rebuild");
    // What failed before says nothing about the network that is back now.
    else if (this.state !== "connected") this.#heal("restart");
  }

  /** The network has changed under us. */
  networkChanged() {
    if (this.#wanted && this.pc && this.#answered) this.#heal("restart");
  }

  /** Something is wrong: decides, waits, acts. @protected */
  trouble() {
    if (!this.#wanted || this.#healTimer !== undefined || !this.connection.online) return;
    // Both lines often die together, and this one is silent for most of a minute
    // before it is noticed; without it no restart gets through.
    void this.connection.probe();
    const { action, wait } = this.#policy.next(Date.now());
    if (this.state === "connected") this.#setState("troubled");
    this.#healTimer = setTimeout(() => {
      this.#healTimer = undefined;
      this.#heal(action);
    }, wait);
  }

  /** @param {"restart" | "rebuild"} action */
  async #heal(action) {
    clearTimeout(this.#healTimer);
    this.#healTimer = undefined;
    if (!this.#wanted || !this.connection.online) return;
    try {
      await this.#refreshServers();
      if (action === "rebuild" || !this.pc || !this.#answered) {
        await this.#rebuild();
        this.rebuilt();
      } else {
        await this.#negotiate(this.#generation, true);
        this.#expectConnection();
        // Browsers tell nothing of a restart that goes well.
        if (this.pc?.connectionState === "connected") this.#peerSays(this.pc);
      }
    } catch (error) {
      this.#healFailed(asFault(error));
    }
  }

  /** TURN credentials last some hours; a class may last longer than its first ones. */
  async #refreshServers() {
    if (Date.now() - this.#configuredAt < serversFresh) return;
    const answer = await this.connection.request("iceServers").catch(() => null);
    if (answer?.iceServers) this.configure(answer.iceServers, this.#configuration.iceTransportPolicy);
  }

  /** @param {FaultError} fault */
  #healFailed(fault) {
    if (!this.#wanted || fault.code === "overtaken") return;
    if (fault.code === "offline") return; // lineBack comes
    if (["notAllowed", "presenterPresent", "presentingInTab", "badSdp", "classEnded", "removed"].includes(fault.code)) {
      this.emit("fault", fault);
      return;
    }
    if (fault.code === "noSuchEndpoint" || fault.code === "mediaReleased") {
      this.#endpoint = "";
      this.#answered = false; // the next attempt builds anew
    }
    this.#reportIfHopeless();
    this.trouble();
  }

  /** After an attempt the connection must come up; otherwise the next attempt. */
  #expectConnection() {
    const generation = this.#generation;
    setTimeout(() => {
      if (generation !== this.#generation || !this.#wanted || this.pc?.connectionState === "connected") return;
      this.#reportIfHopeless();
      this.trouble();
    }, healTimeout);
  }

  #reportIfHopeless() {
    if (!this.#policy.hopeless(Date.now()) || this.state === "connected") return;
    const { localDescription: local, remoteDescription: remote } = this.pc ?? {};
    this.#setState("failed", triedWays(local?.sdp ?? "", remote?.sdp ?? "", this.#configuration.iceServers ?? []));
  }

  async #rebuild() {
    this.#tearDown();
    if (this.state === "off") this.#setState("connecting");
    const generation = this.#generation;
    const pc = new RTCPeerConnection(this.#configuration);
    this.pc = pc;
    this.build(pc);
    pc.addEventListener("icecandidate", (event) => {
      // The end of candidates is of no use to a server that only answers checks.
      if (event.candidate?.candidate) this.#localCandidate(event.candidate.toJSON());
    });
    pc.addEventListener("connectionstatechange", () => this.#peerSays(pc));
    pc.addEventListener("iceconnectionstatechange", () => this.#peerSays(pc));
    clearInterval(this.#statsTimer);
    this.#statsTimer = setInterval(() => this.#look(), 1000);
    await this.#negotiate(generation, false);
    this.#expectConnection();
  }

  /**
   * @param {number} generation
   * @param {boolean} restart
   */
  async #negotiate(generation, restart) {
    const pc = this.pc;
    if (!pc) return;
    if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
    this.#answered = false;
    this.#localQueue = [];
    if (restart) {
      // Candidates of the answer before this one belong to another ufrag.
      this.#remoteQueue = [];
      pc.restartIce();
    }
    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    const { sdpAnswer, endpoint } = await this.connection.negotiate(
      this.role, pc.localDescription?.sdp ?? "", restart ? this.#endpoint : undefined,
    );
    if (generation !== this.#generation || this.pc !== pc) throw new FaultError("overtaken");
    await pc.setRemoteDescription({ type: "answer", sdp: sdpAnswer });
    this.#endpoint = endpoint;
    this.#answered = true;
    for (const candidate of this.#remoteQueue.splice(0)) this.#add(candidate);
    for (const candidate of this.#localQueue.splice(0)) this.connection.sendCandidate(this.role, candidate);
  }

  /** @param {RTCIceCandidateInit} candidate */
  #localCandidate(candidate) {
    // Before the answer the server has no endpoint to give it to.
    if (this.#answered) this.connection.sendCandidate(this.role, candidate);
    else this.#localQueue.push(candidate);
  }

  /** @param {RTCIceCandidateInit} candidate */
  #remoteCandidate(candidate) {
    if (!this.pc) return;
    if (this.#answered) this.#add(candidate);
    else if (this.#remoteQueue.length < 64) this.#remoteQueue.push(candidate);
  }

  /** @param {RTCIceCandidateInit} candidate */
  #add(candidate) {
    this.pc?.addIceCandidate(candidate.candidate ? candidate : undefined).catch((error) => {
      // One candidate less is no failure as long as another works.
      console.info("a candidate was not usable:", error.message);
    });
  }

  /** @param {string} state */
  #serverSays(state) {
    if ((state === "disconnected" || state === "failed") && this.#answered) this.trouble();
  }

  /** @param {RTCPeerConnection} pc */
  #peerSays(pc) {
    if (pc !== this.pc) return;
    const state = pc.connectionState ?? pc.iceConnectionState;
    if (state === "connected") {
      this.#policy.connected(Date.now());
      clearTimeout(this.#healTimer);
      this.#healTimer = undefined;
      this.#setState("connected");
    } else if (state === "disconnected" || state === "failed") {
      this.trouble();
    }
  }

  async #look() {
    const pc = this.pc;
    if (!pc || pc.connectionState === "closed") return;
    const report = await pc.getStats().catch(() => null);
    if (!report || pc !== this.pc) return;
    const direction = this.role === "viewer" ? "in" : "out";
    const { figures, totals } = readFigures(report.values(), direction, (mid) => this.slotOf(mid), this.#totals);
    this.#totals = totals;
    if (pc.connectionState === "connected") this.emit("figures", figures);
    this.watch(report, Date.now());
  }

  #tearDown() {
    this.#generation++;
    this.#answered = false;
    this.#endpoint = "";
    this.#localQueue = [];
    this.#remoteQueue = [];
    this.#totals = null;
    clearTimeout(this.#healTimer);
    this.#healTimer = undefined;
    clearInterval(this.#statsTimer);
    this.pc?.close();
    this.pc = null;
  }

  /**
   * @param {MediaState} state
   * @param {ReturnType<typeof triedWays>} [tried]
   */
  #setState(state, tried) {
    if (this.state === state && !tried) return;
    this.state = state;
    this.emit("state", { state, tried });
  }
}
