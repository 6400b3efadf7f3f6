// The controls below the stage: state by colour, picture and word.

import { byId, setText } from "./dom.js";
import { onLanguage, t } from "../i18n.js";
import { asFault } from "../fault.js";
import { canShareScreen, rememberedChoice } from "../media_devices.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page} page */
export function mountControls(page) {
  const { session, sound } = page;
  const app = byId("app");
  const buttons = {
    sound: /** @type {HTMLButtonElement} */ (byId("control-sound")),
    mic: /** @type {HTMLButtonElement} */ (byId("control-mic")),
    camera: /** @type {HTMLButtonElement} */ (byId("control-camera")),
    screen: /** @type {HTMLButtonElement} */ (byId("control-screen")),
    go: /** @type {HTMLButtonElement} */ (byId("go-live")),
    stop: /** @type {HTMLButtonElement} */ (byId("stop")),
    full: /** @type {HTMLButtonElement} */ (byId("control-full")),
  };
  let working = false;

  /**
   * @param {HTMLButtonElement} button
   * @param {{on: boolean, icons: [string, string], words: [string, string], title: string, off?: "off" | "", active?: boolean}} look
   */
  function dress(button, { on, icons, words, title, off = "off", active = false }) {
    const picture = /** @type {HTMLElement} */ (button.querySelector("i"));
    picture.className = `bi bi-${icons[on ? 0 : 1]}`;
    setText(/** @type {HTMLElement} */ (button.querySelector("span")), words[on ? 0 : 1]);
    button.setAttribute("aria-pressed", String(on));
    button.dataset.state = on ? (active ? "active" : "") : off;
    button.title = title;
  }

  function render() {
    const { live, sources, cls, you, phase } = session.store.get();
    const isLive = live === "live";
    const mayPresent = page.may("present");
    buttons.mic.hidden = buttons.camera.hidden = buttons.stop.hidden = !isLive;
    buttons.screen.hidden = !isLive || !canShareScreen();
    buttons.sound.hidden = isLive;
    // Another one's class goes on; one's own may be live in another tab.
    buttons.go.hidden = isLive || !mayPresent;
    const taken = Boolean(cls.presenter && cls.presenter !== you?.id);
    buttons.go.disabled = phase.name !== "online" || live === "starting" || taken;
    buttons.go.title = taken ? t("error.presenterPresent") : "";
    for (const name of /** @type {const} */ (["mic", "camera", "screen"])) buttons[name].disabled = working;

    dress(buttons.mic, {
      on: sources.mic, icons: ["mic-fill", "mic-mute-fill"], words: [t("live.micOn"), t("live.micOff")],
      title: t(sources.mic ? "live.micOn.title" : "live.micOff.title"),
    });
    dress(buttons.camera, {
      on: sources.camera, icons: ["camera-video-fill", "camera-video-off-fill"], words: [t("live.cameraOn"), t("live.cameraOff")],
      title: t(sources.camera ? "live.cameraOn.title" : "live.cameraOff.title"),
    });
    dress(buttons.screen, {
      on: sources.screen, icons: ["display-fill", "display"], words: [t("live.screenOn"), t("live.screenOff")],
      title: t(sources.screen ? "live.screenOn.title" : "live.screenOff.title"), off: "", active: true,
    });
    dress(buttons.sound, {
      on: sound.on, icons: ["volume-up-fill", "volume-mute-fill"], words: [t("class.soundOn"), t("class.soundOff")],
      title: t(sound.on ? "class.soundOn.title" : "class.soundOff.title"),
    });
    const full = "full" in app.dataset;
    dress(buttons.full, {
      on: full, icons: ["fullscreen-exit", "arrows-fullscreen"], words: [t("class.fullExit"), t("class.full")],
      title: t("class.full.title"), off: "", active: true,
    });
  }

  /** One change at a time; a failure is said in words. @param {() => Promise<void>} change */
  async function change(change) {
    if (working) return;
    working = true;
    render();
    try {
      await change();
    } catch (error) {
      const fault = asFault(error);
      if (fault.code !== "screenCancelled") page.toasts.fault(fault);
    } finally {
      working = false;
      render();
    }
  }

  const toggleMic = () => change(() => session.presenter.setMic(!session.store.get().sources.mic, rememberedChoice().mic));
  const toggleCamera = () => change(() => session.presenter.setCamera(!session.store.get().sources.camera, rememberedChoice().camera));
  const toggleScreen = () => change(() => (
    session.store.get().sources.screen ? session.presenter.stopScreen() : session.presenter.startScreen()
  ));

  async function toggleFull() {
    const on = !("full" in app.dataset);
    app.toggleAttribute("data-full", on);
    render();
    // Where the browser has no full screen for elements (iPhone) the stage
    // still takes the whole page.
    try {
      if (on) await document.documentElement.requestFullscreen?.();
      else if (document.fullscreenElement) await document.exitFullscreen();
    } catch {
      // Refused: the page's own full size stays.
    }
  }
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement) app.removeAttribute("data-full");
    render();
  });

  buttons.mic.addEventListener("click", toggleMic);
  buttons.camera.addEventListener("click", toggleCamera);
  buttons.screen.addEventListener("click", toggleScreen);
  buttons.sound.addEventListener("click", sound.toggle);
  buttons.full.addEventListener("click", () => void toggleFull());
  buttons.go.addEventListener("click", () => page.check.open());
  buttons.stop.addEventListener("click", () => void session.actions.stopLive());
  sound.onChange(render);
  session.store.watch(["live", "sources", "you", "cls", "phase"], render);
  onLanguage(render);

  return { toggleMic, toggleCamera, toggleScreen, toggleFull };
}
