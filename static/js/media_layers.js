// What a presenter's browser encodes: the layers of each source, and which of
// them are wanted. Pure.

/** @typedef {import("./media_presenter.js").Source} Source */
/** The browser's types do not know these yet. @typedef {RTCRtpEncodingParameters & {scalabilityMode?: string}} Encoding */

/** A screen is read: its size stays and pictures are left out. A face moves: the picture shrinks before it stutters. @type {Record<Source, string>} */
export const contentHints = { mic: "speech", camera: "motion", screen: "detail", screenAudio: "music" };

/** @type {Partial<Record<Source, RTCDegradationPreference>>} */
const degradation = { camera: "maintain-framerate", screen: "maintain-resolution" };

/** Three sizes, the smallest first; each has three temporal layers, so that the server can leave pictures out. @type {Encoding[]} */
const camera = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000, scalabilityMode: "L1T3" },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode: "L1T3" },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_400_000, scalabilityMode: "L1T3" },
];

/** @type {Record<Source, Encoding[]>} */
const encodings = {
  mic: [{ maxBitrate: 64_000 }],
  camera,
  screen: [{ maxBitrate: 2_500_000, maxFramerate: 30, scalabilityMode: "L1T3" }],
  screenAudio: [{ maxBitrate: 96_000 }],
};

/**
 * What to try in turn: all of it, without temporal layers by name, one layer.
 *
 * @param {Source} source
 * @returns {Encoding[][]}
 */
export function encodingsFor(source) {
  const full = encodings[source];
  const plain = full.map(({ scalabilityMode: _, ...rest }) => rest);
  const best = plain[plain.length - 1];
  return [full.map((e) => ({ ...e })), plain, [{ maxBitrate: best.maxBitrate }]];
}

/**
 * Writes into parameters what is wanted; false when they say so already.
 *
 * @param {RTCRtpSendParameters} parameters
 * @param {Source} source
 * @param {string[]} [wanted] layers; none said: all
 */
export function applyWanted(parameters, source, wanted) {
  let changed = false;
  for (const encoding of parameters.encodings) {
    const active = !wanted || !encoding.rid || wanted.includes(encoding.rid);
    if ((encoding.active ?? true) === active) continue;
    encoding.active = active;
    changed = true;
  }
  // Nothing is sent at all when the server names none of the layers there are.
  if (parameters.encodings.every((e) => e.active === false)) {
    parameters.encodings[0].active = true;
  }
  const preference = degradation[source];
  if (preference && parameters.degradationPreference !== preference) {
    parameters.degradationPreference = preference;
    changed = true;
  }
  return changed;
}
