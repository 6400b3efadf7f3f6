// What is heard: an audio element for each sounding slot, one switch for all,
// and the large button where the browser wants to be pressed first.

import { byId } from "./dom.js";
import { rememberedChoice } from "../media_devices.js";

/** @typedef {ReturnType<typeof createSound>} Sound */

/** @param {import("../session.js").Session} session */
export function createSound(session) {
  /** @type {Map<string, HTMLAudioElement>} */
  const outlets = new Map();
  const button = byId("join-sound");
  let on = true;
  let blocked = false;
  /** @type {Set<() => void>} */
  const listeners = new Set();

  function changed() {
    const { slots, live, cls } = session.store.get();
    const sounding = [...outlets.keys()].some((slot) => slots.get(/** @type {any} */ (slot))?.live);
    button.hidden = !(blocked && on && sounding && live === "off" && !cls.presenterLostUntil);
    for (const listener of listeners) listener();
  }

  /** @param {HTMLAudioElement} audio */
  async function play(audio) {
    try {
      await audio.play();
      if (blocked && ![...outlets.values()].some((a) => a.paused)) blocked = false;
    } catch (error) {
      if (/** @type {Error} */ (error).name === "NotAllowedError") blocked = true;
    }
    changed();
  }

  function playAll() {
    blocked = false;
    for (const audio of outlets.values()) void play(audio);
  }

  /** @param {boolean} wanted */
  function set(wanted) {
    on = wanted;
    for (const audio of outlets.values()) audio.muted = !on;
    if (on) playAll();
    changed();
  }

  /** @param {string} deviceId */
  function useSpeaker(deviceId) {
    for (const audio of outlets.values()) {
      // Only some browsers can choose; a device that is gone leaves the default.
      audio.setSinkId?.(deviceId).catch((error) => console.info("speaker:", error.message));
    }
  }

  session.viewer.on("track", ({ slot, track }) => {
    if (track.kind !== "audio") return;
    let audio = outlets.get(slot);
    if (!audio) {
      audio = new Audio();
      audio.autoplay = true;
      audio.muted = !on;
      outlets.set(slot, audio);
      const { speaker } = rememberedChoice();
      if (speaker) audio.setSinkId?.(speaker).catch(() => {});
    }
    audio.srcObject = new MediaStream([track]);
    void play(audio);
  });
  button.addEventListener("click", playAll);
  // Any press counts for the browser, so the sound need not wait for that one.
  document.addEventListener("pointerup", () => { if (blocked && on) playAll(); });
  session.store.watch(["slots", "live", "cls"], changed);

  return {
    set, useSpeaker,
    toggle: () => set(!on),
    get on() { return on; },
    get blocked() { return blocked; },
    /** @param {() => void} listener */
    onChange: (listener) => void listeners.add(listener),
  };
}
