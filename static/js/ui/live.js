// Around being live: coming back after a reload, hand-over, devices that go.

import { t } from "../i18n.js";
import { asFault } from "../fault.js";
import { openDevice, permission, rememberedChoice } from "../media_devices.js";
import { rememberLive, wasLive } from "../resume.js";
import { ask } from "./dialogs.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page & {startScreen: () => void}} page */
export function mountLive(page) {
  const { session, toasts } = page;
  const { store, config, news } = session;
  let before = wasLive(config.classId);

  news.on("joined", () => {
    if (!before || session.presenter.live) return;
    const was = before;
    before = null;
    const { cls, you } = store.get();
    const free = !cls.presenter || cls.presenter === you?.id;
    if (!free || !page.may("present")) return rememberLive(config.classId, null);
    void comeBack(was);
  });

  /** A reload in the middle of a class: the class goes on by itself. @param {import("../resume.js").WasLive} was */
  async function comeBack(was) {
    toasts.show({ key: "resume", title: t("live.resuming"), stay: true });
    const choice = rememberedChoice();
    const open = async (/** @type {"camera" | "mic"} */ what) => {
      if (!was[what] || (await permission(what === "mic" ? "microphone" : "camera")) === "denied") return null;
      return openDevice(what, choice[what]).catch((error) => {
        toasts.fault(asFault(error));
        return null;
      });
    };
    const [mic, camera] = await Promise.all([open("mic"), open("camera")]);
    const nothing = !mic && !camera && (was.mic || was.camera);
    try {
      if (nothing) throw new Error("no device came back");
      await session.actions.goLive({ mic, camera });
      toasts.show({
        key: "resume", title: t("live.resumed"), text: was.screen ? t("live.resumedScreen") : "", stay: was.screen,
        actions: was.screen ? [{ label: t("live.shareAgain"), run: page.startScreen }] : [],
      });
    } catch {
      mic?.stop();
      camera?.stop();
      toasts.show({
        key: "resume", kind: "fault", title: t("live.resumeFailed"), text: t("live.resumeFailed.help"), stay: true,
        actions: [{ label: t("live.resume"), run: () => page.check.open() }],
      });
    }
  }

  const remember = () => {
    const { live, sources } = store.get();
    if (live === "live") rememberLive(config.classId, sources);
  };
  let was = "off";
  store.watch(["live", "sources"], ({ live, sources }) => {
    // An offer to share again is of no use once it is shared, or over.
    if (sources.screen || (was === "live" && live === "off")) for (const key of ["resume", "gone:screen"]) toasts.dismiss(key);
    if (live === "live") remember();
    else if (was === "live") rememberLive(config.classId, null);
    was = live;
  });
  setInterval(remember, 5000);
  window.addEventListener("pagehide", remember);

  news.on("ceased", (/** @type {string} */ why) => {
    const known = ["handed-over", "taken-back", "lost"].includes(why) ? why : "other";
    toasts.show({ key: "ceased", title: t(`live.ceased.${known}`), text: t("live.ceased.help") });
  });
  news.on("stopped", (/** @type {string} */ why) => {
    if (why === "lost") return; // the stage says so
    const { cls, people } = store.get();
    if (cls.presenter && people.has(cls.presenter) && why === "handed-over") return;
    page.announce(t("class.presenterStopped"));
  });
  news.on("role", (/** @type {string} */ role) => {
    toasts.show({ key: "role", title: t(`people.nowRole.${role}`) });
  });
  news.on("offered", async (/** @type {{by: string, name: string}} */ offer) => {
    const yes = await ask({
      title: t("live.offeredTitle", { name: offer.name }), text: t("live.offeredText"), yes: t("live.offeredYes"), no: t("live.offeredNo"),
    });
    if (yes) page.check.open();
  });
  news.on("deviceLost", (/** @type {string} */ source) => {
    if (source === "screenAudio") return;
    const again = source === "screen"
      ? { label: t("live.shareAgain"), run: page.startScreen }
      : { label: t("live.chooseAnother"), run: () => void reopen(/** @type {"mic" | "camera"} */ (source)) };
    toasts.show({
      key: `gone:${source}`, kind: source === "screen" ? "info" : "fault",
      title: t(`live.gone.${source}`), text: t(`live.gone.${source}.help`), actions: [again],
    });
  });

  /** @param {"mic" | "camera"} source */
  async function reopen(source) {
    try {
      if (source === "mic") await session.presenter.setMic(true);
      else await session.presenter.setCamera(true);
    } catch (error) {
      toasts.fault(asFault(error));
    }
  }
}
