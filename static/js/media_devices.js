// Cameras, microphones and screens: asking for them, what was chosen last
// time, and a code for every way in which they are refused.

import { FaultError } from "./fault.js";

/** @typedef {{camera: string, mic: string, speaker: string, cameraOn: boolean, micOn: boolean}} Choice */

const storageKey = "kelas.devices";

/** @returns {Choice} */
export function rememberedChoice() {
  const nothing = { camera: "", mic: "", speaker: "", cameraOn: true, micOn: true };
  try {
    return { ...nothing, ...JSON.parse(localStorage.getItem(storageKey) ?? "{}") };
  } catch {
    return nothing;
  }
}

/** @param {Partial<Choice>} choice */
export function rememberChoice(choice) {
  try {
    localStorage.setItem(storageKey, JSON.stringify({ ...rememberedChoice(), ...choice }));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** Why no device can be asked for at all, or "". */
export function devicesMissing() {
  if (!window.isSecureContext) return "insecurePage";
  if (!navigator.mediaDevices?.getUserMedia) return "noDevices";
  return "";
}

export function canShareScreen() {
  return window.isSecureContext && Boolean(navigator.mediaDevices?.getDisplayMedia);
}

/**
 * The code (error.<code>) of a failed getUserMedia or getDisplayMedia.
 *
 * @param {any} error
 * @param {"camera" | "mic" | "screen"} what
 */
export function deviceFault(error, what) {
  const capital = what[0].toUpperCase() + what.slice(1);
  switch (error?.name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
      // The browser says in the message when the system refused, not the person.
      if (/system/i.test(error.message)) return new FaultError(`denied${capital}System`, error.message);
      return new FaultError(what === "screen" ? "screenCancelled" : `denied${capital}`, error.message);
    case "NotFoundError":
    case "DevicesNotFoundError":
      return new FaultError(`missing${capital}`, error.message);
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return new FaultError(`busy${capital}`, error.message);
    case "OverconstrainedError":
    case "ConstraintNotSatisfiedError":
      return new FaultError(`missing${capital}`, error.message);
    case "SecurityError":
    case "TypeError":
      return new FaultError("insecurePage", error.message);
    case "InvalidStateError":
      return new FaultError("screenNeedsPress", error.message);
    default:
      return new FaultError(`busy${capital}`, error?.message ?? String(error));
  }
}

/**
 * Opens a camera or a microphone. The chosen one that is gone is replaced by
 * the browser's own choice.
 *
 * @param {"camera" | "mic"} what
 * @param {string} [deviceId]
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openDevice(what, deviceId = "") {
  const missing = devicesMissing();
  if (missing) throw new FaultError(missing);
  const ask = (/** @type {string} */ id) => navigator.mediaDevices.getUserMedia(constraints(what, id));
  try {
    const stream = await ask(deviceId).catch((error) => {
      if (deviceId && /Overconstrained|NotFound/.test(error?.name ?? "")) return ask("");
      throw error;
    });
    return stream.getTracks()[0];
  } catch (error) {
    throw deviceFault(error, what);
  }
}

/**
 * @param {"camera" | "mic"} what
 * @param {string} id
 * @returns {MediaStreamConstraints}
 */
function constraints(what, id) {
  const device = id ? { deviceId: { exact: id } } : {};
  if (what === "camera") {
    return { video: { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } } };
  }
  return { audio: { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
}

/**
 * @returns {Promise<{video: MediaStreamTrack, audio: MediaStreamTrack | null}>}
 */
export async function openScreen() {
  if (!canShareScreen()) throw new FaultError(window.isSecureContext ? "noScreenSharing" : "insecurePage");
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 }, width: { max: 1920 }, height: { max: 1080 } },
      audio: true,
    });
    return { video: stream.getVideoTracks()[0], audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    throw deviceFault(error, "screen");
  }
}

/**
 * @returns {Promise<{camera: MediaDeviceInfo[], mic: MediaDeviceInfo[], speaker: MediaDeviceInfo[]}>}
 */
export async function listDevices() {
  const devices = devicesMissing() ? [] : await navigator.mediaDevices.enumerateDevices();
  const of = (/** @type {MediaDeviceKind} */ kind) => devices.filter((d) => d.kind === kind && d.deviceId);
  const canChoose = "setSinkId" in HTMLMediaElement.prototype;
  return { camera: of("videoinput"), mic: of("audioinput"), speaker: canChoose ? of("audiooutput") : [] };
}

/**
 * Whether the browser would give a device without asking, as far as it says.
 *
 * @param {"camera" | "microphone"} name
 * @returns {Promise<"granted" | "prompt" | "denied">}
 */
export async function permission(name) {
  try {
    const status = await navigator.permissions.query({ name: /** @type {PermissionName} */ (name) });
    return status.state;
  } catch {
    return "prompt";
  }
}

/**
 * How loud a microphone is, as numbers from 0 to 1, until stopped.
 *
 * @param {MediaStreamTrack} track
 * @param {(level: number) => void} show
 * @returns {() => void}
 */
export function meter(track, show) {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let peak = 0;
  const timer = setInterval(() => {
    if (context.state === "suspended") void context.resume();
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const decibel = 10 * Math.log10(sum / samples.length + 1e-10);
    // -60 dB is silence, -10 dB is loud; falls slowly so that an eye can follow.
    peak = Math.max(Math.min(1, Math.max(0, (decibel + 60) / 50)), peak * 0.82);
    show(peak);
  }, 60);
  return () => {
    clearInterval(timer);
    source.disconnect();
    if (context.state !== "closed") void context.close();
  };
}
