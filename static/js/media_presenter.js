// The sending endpoint: microphone, camera, screen and screen sound, each with
// an m-line of its own from the start. Turning one on or off is replaceTrack
// and a word to the class, never a new SDP.

import { Endpoint, wantedCodecs } from "./media.js";
import { FaultError } from "./fault.js";
import { AnswerWatch } from "./media_policy.js";
import { applyWanted, contentHints, encodingsFor } from "./media_layers.js";
import { answered } from "./media_figures.js";
import { openDevice, openScreen } from "./media_devices.js";

/** @typedef {"mic" | "camera" | "screen" | "screenAudio"} Source */
/** @typedef {import("../types/kelas.d.ts").Publishing} Publishing */

/** In the order of their m-lines. @type {{source: Source, kind: "audio" | "video"}[]} */
const lines = [
  { source: "mic", kind: "audio" },
  { source: "camera", kind: "video" },
  { source: "screen", kind: "video" },
  { source: "screenAudio", kind: "audio" },
];

/**
 * @param {RTCPeerConnection} pc
 * @param {MediaStreamTrack | "audio" | "video"} track
 * @param {Source} source
 * @param {MediaStream[]} streams what belongs together, so that it stays together
 */
function addSending(pc, track, source, streams) {
  // The richest that the browser takes: not every one knows scalabilityMode, or several layers.
  for (const sendEncodings of encodingsFor(source)) {
    try {
      return pc.addTransceiver(track, { direction: "sendonly", streams, sendEncodings });
    } catch (error) {
      console.info(`the browser refuses encodings of the ${source}:`, error);
    }
  }
  return pc.addTransceiver(track, { direction: "sendonly", streams });
}

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
  /** Which layers of a source anybody wants; none said: all. @type {Map<string, string[]>} */ #wanted = new Map();
  /** @type {Promise<void>} */ #encodings = Promise.resolve();

  /** @param {import("./protocol.js").Connection} connection */
  constructor(connection) {
    super("presenter", connection);
    this.listen(connection.on("layersWanted", ({ slot, layers }) => {
      this.#wanted.set(slot, layers);
      this.#setEncodings(/** @type {Source} */ (slot));
    }));
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
    this.#wanted.clear(); // the server will tell of this connection
    const camera = new MediaStream();
    const screen = new MediaStream();
    for (const { source, kind } of lines) {
      const track = this.#tracks.get(source) ?? null;
      const transceiver = addSending(pc, track ?? kind, source, [source === "mic" || source === "camera" ? camera : screen]);
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
    for (const source of /** @type {Source[]} */ (["camera", "screen"])) this.#setEncodings(source);
  }

  /** One change after the other: parameters that were read before another change are refused. @param {Source} source */
  #setEncodings(source) {
    this.#encodings = this.#encodings.then(async () => {
      const sender = this.#senders.get(source);
      const parameters = sender?.getParameters();
      if (!sender || !parameters?.encodings?.length) return;
      if (!applyWanted(parameters, source, this.#wanted.get(source))) return;
      await sender.setParameters(parameters);
    }).catch((error) => console.info(`the encodings of the ${source} stay as they are:`, error.message));
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
    track.contentHint = contentHints[source];
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
