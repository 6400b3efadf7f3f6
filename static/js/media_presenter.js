// The sending endpoint: microphone, camera, screen and screen sound, each with
// an m-line of its own from the start. Turning one on or off is replaceTrack
// and a word to the class, never a new SDP.

import { Endpoint, wantedCodecs } from "./media.js";
import { FaultError } from "./fault.js";
import { AnswerWatch } from "./media_policy.js";
import { answered } from "./media_figures.js";
import { openDevice, openScreen } from "./media_devices.js";

/** @typedef {"mic" | "camera" | "screen" | "screenAudio"} Source */
/** @typedef {import("../types/kelas.d.ts").Publishing} Publishing */

/** In the order of their m-lines. @type {{source: Source, kind: "audio" | "video", maxBitrate: number}[]} */
const lines = [
  { source: "mic", kind: "audio", maxBitrate: 64_000 },
  { source: "camera", kind: "video", maxBitrate: 1_200_000 },
  { source: "screen", kind: "video", maxBitrate: 2_500_000 },
  { source: "screenAudio", kind: "audio", maxBitrate: 96_000 },
];

/**
 * Events: those of Endpoint, "sources" {tracks} when something was turned on
 * or off, and "lost" Source when a device or a shared window went away by itself.
 */
export class Presenter extends Endpoint {
  /** @type {Map<Source, MediaStreamTrack>} */ #tracks = new Map();
  /** @type {Map<Source, RTCRtpSender>} */ #senders = new Map();
  #live = false;
  #answers = new AnswerWatch();
  #publishing = Promise.resolve();

  /** @param {import("./protocol.js").Connection} connection */
  constructor(connection) {
    super("presenter", connection);
  }

  get live() {
    return this.#live;
  }

  /** @param {Source} source */
  track(source) {
    return this.#tracks.get(source) ?? null;
  }

  /** @returns {Publishing} */
  get publishing() {
    const on = (/** @type {Source} */ s) => this.#tracks.has(s);
    return { mic: on("mic"), camera: on("camera"), screen: on("screen"), screenAudio: on("screenAudio") };
  }

  /**
   * Goes live with what is given; on refusal nothing is left running.
   *
   * @param {{mic?: MediaStreamTrack | null, camera?: MediaStreamTrack | null}} tracks
   */
  async goLive({ mic, camera }) {
    this.#live = true;
    if (mic) this.#keep("mic", mic);
    if (camera) this.#keep("camera", camera);
    try {
      await this.open();
      await this.publish();
    } catch (error) {
      this.stop();
      throw error;
    }
    this.#changed();
  }

  /** Ends sending and gives every device back. The caller tells the server. */
  stop() {
    this.#live = false;
    this.close();
    for (const source of [...this.#tracks.keys()]) this.#drop(source);
    this.#changed();
  }

  /** @param {boolean} on @param {string} [deviceId] */
  async setMic(on, deviceId) {
    await this.#set("mic", on, deviceId);
  }

  /** @param {boolean} on @param {string} [deviceId] */
  async setCamera(on, deviceId) {
    await this.#set("camera", on, deviceId);
  }

  /** Asks for a screen and shows it. */
  async startScreen() {
    const { video, audio } = await openScreen();
    if (!this.#live) {
      video.stop();
      audio?.stop();
      throw new FaultError("notPresenting");
    }
    await this.#send("screen", video);
    if (audio) await this.#send("screenAudio", audio);
    await this.#told();
  }

  async stopScreen() {
    await this.#clear("screen");
    await this.#clear("screenAudio");
    await this.#told();
  }

  /** Tells the class what is on; in order, the last word wins. */
  publish() {
    const wanted = () => this.#live && this.connection.online;
    this.#publishing = this.#publishing.catch(() => {}).then(async () => {
      if (wanted()) await this.connection.request("publish", this.publishing);
    });
    return this.#publishing;
  }

  /** @protected @override @param {RTCPeerConnection} pc */
  build(pc) {
    this.#answers.reset();
    this.#senders.clear();
    const camera = new MediaStream();
    const screen = new MediaStream();
    for (const { source, kind, maxBitrate } of lines) {
      const track = this.#tracks.get(source) ?? null;
      const transceiver = pc.addTransceiver(track ?? kind, {
        direction: "sendonly",
        // One stream for what belongs together, so that it stays together.
        streams: [source === "mic" || source === "camera" ? camera : screen],
        sendEncodings: [{ maxBitrate, ...(source === "screen" && { maxFramerate: 30 }) }],
      });
      const codecs = wantedCodecs(kind, RTCRtpSender.getCapabilities(kind));
      if (codecs.length && transceiver.setCodecPreferences) {
        try {
          transceiver.setCodecPreferences(codecs);
        } catch (error) {
          console.info("the browser keeps its own list of codecs:", error);
        }
      }
      this.#senders.set(source, transceiver.sender);
    }
  }

  /** @protected @override @param {RTCStatsReport} report @param {number} now */
  watch(report, now) {
    if (!this.connection.online || this.state !== "connected") return this.#answers.reset();
    const counted = answered(report.values());
    if (!counted || !this.#answers.update(counted, now)) return;
    this.#answers.reset();
    this.trouble();
  }

  /**
   * @param {"mic" | "camera"} source
   * @param {boolean} on
   * @param {string} [deviceId]
   */
  async #set(source, on, deviceId) {
    if (!on) {
      await this.#clear(source);
    } else {
      const track = await openDevice(source, deviceId);
      if (!this.#live) {
        track.stop();
        throw new FaultError("notPresenting");
      }
      await this.#send(source, track);
    }
    await this.#told();
  }

  async #told() {
    this.#changed();
    await this.publish().catch((error) => {
      // While the line is away nobody can be told; lineBack tells it.
      if (error.code !== "offline" && error.code !== "timeout") throw error;
    });
  }

  /** @override @param {boolean} resumed */
  lineBack(resumed) {
    super.lineBack(resumed);
    if (resumed && this.#live) this.rebuilt();
  }

  /** @protected @override */
  rebuilt() {
    this.publish().catch((error) => console.info("publish:", error.message));
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack} track
   */
  async #send(source, track) {
    const old = this.#tracks.get(source);
    this.#keep(source, track);
    await this.#senders.get(source)?.replaceTrack(track);
    old?.stop();
  }

  /** @param {Source} source */
  async #clear(source) {
    if (!this.#tracks.has(source)) return;
    await this.#senders.get(source)?.replaceTrack(null).catch(() => {});
    this.#drop(source);
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  #keep(source, track) {
    if (source === "screen") track.contentHint = "detail";
    if (source === "camera") track.contentHint = "motion";
    this.#tracks.set(source, track);
    // "ended" comes when the browser's own stop button is pressed, the window
    // is closed or the device unplugged, never from our own stop().
    track.addEventListener("ended", () => {
      if (this.#tracks.get(source) === track) void this.#gone(source);
    });
  }

  /** @param {Source} source */
  async #gone(source) {
    if (source === "screen") await this.stopScreen();
    else {
      await this.#clear(source);
      await this.#told();
    }
    this.emit("lost", source);
  }

  /** @param {Source} source */
  #drop(source) {
    this.#tracks.get(source)?.stop();
    this.#tracks.delete(source);
  }

  #changed() {
    this.emit("sources", this.publishing);
  }
}
