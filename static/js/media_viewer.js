// The receiving endpoint: eight fixed places, negotiated once, filled and
// emptied by the server without a new SDP.

import { Endpoint, wantedCodecs } from "./media.js";
import { RepairWatch, SilenceWatch } from "./media_policy.js";

/** @typedef {import("../types/kelas.d.ts").SlotName} SlotName */
/** @typedef {import("../types/kelas.d.ts").SlotView} SlotView */

/** The places in the order of their m-lines; the server knows them by it. @type {{slot: SlotName, kind: "audio" | "video"}[]} */
export const places = [
  { slot: "mic", kind: "audio" },
  { slot: "camera", kind: "video" },
  { slot: "screen", kind: "video" },
  { slot: "screenAudio", kind: "audio" },
  { slot: "speaker1Audio", kind: "audio" },
  { slot: "speaker1Video", kind: "video" },
  { slot: "speaker2Audio", kind: "audio" },
  { slot: "speaker2Video", kind: "video" },
];

/**
 * How long pictures are held on a lossy line, in ms. A loss is noticed with the
 * packet behind it, which for a screen is a while later; then it takes the way
 * there and back, to the server and perhaps from it to the presenter.
 *
 * @type {Partial<Record<SlotName, number>>}
 */
const holdFor = { camera: 200, screen: 400 };

/** Events: those of Endpoint, and "track" {slot, track} when a place got its (new) track. */
export class Viewer extends Endpoint {
  #silence = new SilenceWatch();
  #repair = new RepairWatch();
  /** @type {Map<string, SlotView>} */ #slots = new Map();
  #expecting = true;
  /** Places that are silent on purpose. @type {(slot: SlotName) => boolean} */ #paused = () => false;
  /** @type {RTCRtpTransceiver[]} */ #transceivers = [];

  /** @param {import("./protocol.js").Connection} connection */
  constructor(connection) {
    super("viewer", connection);
  }

  /**
   * What the server says each slot shows.
   *
   * @param {SlotView[]} slots
   * @param {boolean} expecting false while the presenter's own line is cut: silence is no wonder then
   */
  setSlots(slots, expecting) {
    this.#slots = new Map(slots.map((s) => [s.slot, s]));
    if (expecting && !this.#expecting) this.#silence.reset();
    this.#expecting = expecting;
  }

  /** @param {(slot: SlotName) => boolean} paused places that the server sends nothing, and says so */
  setPaused(paused) {
    this.#paused = paused;
  }

  /** @protected @override @param {RTCPeerConnection} pc */
  build(pc) {
    this.#silence.reset();
    this.#transceivers = places.map(({ slot, kind }) => {
      const transceiver = pc.addTransceiver(kind, { direction: "recvonly" });
      const codecs = wantedCodecs(kind, RTCRtpReceiver.getCapabilities(kind));
      if (codecs.length && transceiver.setCodecPreferences) {
        try {
          transceiver.setCodecPreferences(codecs);
        } catch (error) {
          console.info("the browser keeps its own list of codecs:", error);
        }
      }
      this.emit("track", { slot, track: transceiver.receiver.track });
      return transceiver;
    });
  }

  /** @protected @override @param {string} mid */
  slotOf(mid) {
    const index = this.#transceivers.findIndex((t) => t.mid === mid);
    return places[index]?.slot ?? "";
  }

  /** @param {RTCStatsReport} report @param {number} now */
  #holdPictures(report, now) {
    const counters = { packets: 0, asked: 0 };
    for (const s of report.values()) {
      if (s.type !== "inbound-rtp" || s.kind !== "video") continue;
      counters.packets += s.packetsReceived ?? 0;
      counters.asked += s.nackCount ?? 0;
    }
    const hold = this.#repair.update(counters, now);
    this.#transceivers.forEach(({ receiver }, i) => {
      const { slot, kind } = places[i];
      if (kind !== "video" || !("jitterBufferTarget" in receiver)) return;
      const target = hold ? holdFor[slot] ?? 200 : null;
      if (receiver.jitterBufferTarget !== target) receiver.jitterBufferTarget = target;
    });
  }

  /** @protected @override @param {RTCStatsReport} report @param {number} now */
  watch(report, now) {
    this.#holdPictures(report, now);
    if (!this.#expecting || !this.connection.online || this.state !== "connected") {
      this.#silence.reset();
      return;
    }
    /** @type {Map<string, number>} */
    const packets = new Map();
    for (const s of report.values()) {
      if (s.type === "inbound-rtp") packets.set(this.slotOf(s.mid ?? ""), s.packetsReceived ?? 0);
    }
    const counters = places.map(({ slot, kind }) => ({
      slot, live: (this.#slots.get(slot)?.live ?? false) && !(kind === "video" && this.#paused(slot)), packets: packets.get(slot) ?? 0,
    }));
    if (this.#silence.update(counters, now)) {
      this.#silence.reset();
      this.trouble();
    }
  }
}
