// The check before going live: see the picture, see the level, choose the
// devices, read in plain words what is refused and how to allow it.

import { byId, el, setText } from "./dom.js";
import { faultText, onLanguage, t } from "../i18n.js";
import { helpText } from "./toasts.js";
import {
  devicesMissing, listDevices, meter, openDevice, rememberChoice, rememberedChoice,
} from "../media_devices.js";
import { asFault } from "../fault.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {ReturnType<typeof createCheck>} Check */
/** @typedef {"camera" | "mic"} Device */

/**
 * @param {Pick<Page, "session"> & {useSpeaker: (id: string) => void}} page
 */
export function createCheck({ session, useSpeaker }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("check"));
  const video = /** @type {HTMLVideoElement} */ (byId("check-video"));
  const confirm = /** @type {HTMLButtonElement} */ (byId("check-confirm"));
  const selects = {
    camera: /** @type {HTMLSelectElement} */ (byId("check-camera")),
    mic: /** @type {HTMLSelectElement} */ (byId("check-mic")),
    speaker: /** @type {HTMLSelectElement} */ (byId("check-speaker")),
  };
  const switches = {
    camera: /** @type {HTMLInputElement} */ (byId("check-camera-on")),
    mic: /** @type {HTMLInputElement} */ (byId("check-mic-on")),
  };
  /** @type {Record<Device, MediaStreamTrack | null>} */
  const tracks = { camera: null, mic: null };
  /** @type {Record<Device, string>} */
  const faults = { camera: "", mic: "" };
  /** One acquisition after the other, so that the last choice wins. */
  let working = Promise.resolve();
  let stopMeter = () => {};
  let heard = false;

  function open() {
    if (dialog.open) return;
    const choice = rememberedChoice();
    switches.camera.checked = choice.cameraOn;
    switches.mic.checked = choice.micOn && !session.store.get().cls.startMuted;
    fail("");
    busy(false);
    dialog.showModal();
    const missing = devicesMissing();
    if (missing) {
      switches.camera.checked = switches.mic.checked = false;
      fail(missing);
    }
    acquire("camera");
    acquire("mic");
  }

  /** @param {Device} what */
  function acquire(what) {
    working = working.then(() => take(what));
  }

  /** @param {Device} what */
  async function take(what) {
    drop(what);
    faults[what] = "";
    if (switches[what].checked && dialog.open) {
      try {
        const track = await openDevice(what, selects[what].value || rememberedChoice()[what]);
        if (dialog.open && switches[what].checked) {
          tracks[what] = track;
          track.addEventListener("ended", () => { if (tracks[what] === track) acquire(what); });
        } else track.stop();
      } catch (error) {
        faults[what] = asFault(error).code;
      }
    }
    await fillSelects();
    show(what);
  }

  /** @param {Device} what */
  function drop(what) {
    tracks[what]?.stop();
    tracks[what] = null;
    if (what === "mic") stopMeter();
    else video.srcObject = null;
  }

  /** @param {Device} what */
  function show(what) {
    const error = byId(`check-${what}-error`);
    error.hidden = !faults[what];
    if (faults[what]) setText(error, [faultText({ code: faults[what] }), helpText(faults[what])].filter(Boolean).join("\n"));
    selects[what].disabled = !switches[what].checked;
    if (what === "camera") picture();
    else level();
    setText(/** @type {HTMLElement} */ (confirm.querySelector("span")), t("live.go"));
  }

  function picture() {
    const track = tracks.camera;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (track) video.play().catch(() => {});
    const box = byId("check-nocamera");
    box.hidden = Boolean(track);
    setText(/** @type {HTMLElement} */ (box.querySelector("span")), t(faults.camera ? "check.cameraFailed" : "check.cameraOff"));
  }

  function level() {
    const bar = byId("check-meter");
    const hint = byId("check-mic-hint");
    stopMeter();
    stopMeter = () => {};
    bar.style.setProperty("--k-level", "0");
    heard = false;
    setText(hint, tracks.mic ? t("check.speak") : faults.mic ? "" : t("check.micOff"));
    if (!tracks.mic) return;
    stopMeter = meter(tracks.mic, (value) => {
      bar.style.setProperty("--k-level", value.toFixed(2));
      bar.setAttribute("aria-valuenow", String(Math.round(value * 100)));
      if (value > 0.35 && !heard) {
        heard = true;
        setText(hint, t("check.heard"));
      }
    });
  }

  async function fillSelects() {
    const devices = await listDevices().catch(() => ({ camera: [], mic: [], speaker: [] }));
    const choice = rememberedChoice();
    for (const what of /** @type {const} */ (["camera", "mic", "speaker"])) {
      const used = what === "speaker" ? choice.speaker : tracks[what]?.getSettings().deviceId ?? (selects[what].value || choice[what]);
      selects[what].replaceChildren(...devices[what].map((device, i) => el("option", {
        text: device.label || t(`check.${what}N`, { n: i + 1 }), attrs: { value: device.deviceId },
      })));
      if (!devices[what].length) selects[what].append(el("option", { text: t(`check.${what}None`), attrs: { value: "" } }));
      else if (devices[what].some((d) => d.deviceId === used)) selects[what].value = used;
    }
    byId("check-speaker-field").hidden = devices.speaker.length === 0;
  }

  /** @param {string} code */
  function fail(code) {
    const box = byId("check-error");
    box.hidden = !code;
    setText(box, code ? [faultText({ code }), helpText(code)].filter(Boolean).join("\n") : "");
  }

  /** @param {boolean} is */
  function busy(is) {
    confirm.disabled = is;
    setText(/** @type {HTMLElement} */ (confirm.querySelector("span")), t(is ? "live.starting" : "live.go"));
  }

  async function go() {
    busy(true);
    fail("");
    await working; // whoever is quick has pressed before the camera was open
    rememberChoice({
      camera: selects.camera.value, mic: selects.mic.value, speaker: selects.speaker.value,
      // A device that failed is not a choice against it.
      cameraOn: switches.camera.checked, micOn: switches.mic.checked,
    });
    const { camera, mic } = tracks;
    // From here on they belong to the presenter endpoint, which stops them.
    tracks.camera = tracks.mic = null;
    stopMeter();
    try {
      await session.actions.goLive({ camera, mic });
      dialog.close();
    } catch (error) {
      busy(false);
      fail(asFault(error).code);
      acquire("camera");
      acquire("mic");
    }
  }

  async function tone() {
    // A short rise of two notes, made here, so that nothing is to be loaded.
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    const gain = context.createGain();
    gain.connect(out);
    gain.gain.value = 0.2;
    const note = context.createOscillator();
    note.connect(gain);
    note.frequency.setValueAtTime(523, context.currentTime);
    note.frequency.setValueAtTime(784, context.currentTime + 0.3);
    gain.gain.setTargetAtTime(0, context.currentTime + 0.6, 0.05);
    const audio = new Audio();
    audio.srcObject = out.stream;
    try {
      if (selects.speaker.value) await audio.setSinkId?.(selects.speaker.value);
      note.start();
      note.stop(context.currentTime + 0.9);
      await audio.play();
    } catch (error) {
      console.info("test sound:", error);
    }
    note.addEventListener("ended", () => void context.close());
  }

  for (const what of /** @type {Device[]} */ (["camera", "mic"])) {
    selects[what].addEventListener("change", () => acquire(what));
    switches[what].addEventListener("change", () => acquire(what));
  }
  selects.speaker.addEventListener("change", () => {
    rememberChoice({ speaker: selects.speaker.value });
    useSpeaker(selects.speaker.value);
  });
  byId("check-tone").addEventListener("click", () => void tone());
  byId("check-cancel").addEventListener("click", () => dialog.close());
  confirm.addEventListener("click", () => void go());
  dialog.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault(); // Enter in a field
    void go();
  });
  dialog.addEventListener("close", () => {
    drop("camera");
    drop("mic");
  });
  navigator.mediaDevices?.addEventListener?.("devicechange", () => { if (dialog.open) void fillSelects(); });
  onLanguage(() => { if (dialog.open) { show("camera"); show("mic"); } });

  return { open, get isOpen() { return dialog.open; }, close: () => dialog.close() };
}
