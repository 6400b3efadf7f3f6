// The class page: reads its configuration, starts the session and gives every
// part of the page its place. No rule lives here.

import { loadLanguage, t, translate } from "./i18n.js";
import { supported } from "./media.js";
import { may } from "./permission.js";
import { createSession } from "./session.js";
import { qualityWish, tabSession } from "./resume.js";
import { loadIo, loadTus } from "./third_party.js";
import { asFault, FaultError } from "./fault.js";
import { byId } from "./ui/dom.js";
import { createCheck } from "./ui/check.js";
import { mountChat } from "./ui/chat.js";
import { mountComposer } from "./ui/composer.js";
import { mountConnection } from "./ui/connection.js";
import { mountControls } from "./ui/controls.js";
import { mountEnd } from "./ui/end.js";
import { mountFiles } from "./ui/files.js";
import { mountKeys } from "./ui/keys.js";
import { mountLive } from "./ui/live.js";
import { mountLobby } from "./ui/lobby.js";
import { mountPeople } from "./ui/people.js";
import { mountStage } from "./ui/stage.js";
import { mountTopbar } from "./ui/topbar.js";
import { mountViewport } from "./ui/viewport.js";
import { createPanel } from "./ui/panel.js";
import { createSound } from "./ui/sound.js";
import { createToasts } from "./ui/toasts.js";

/** @typedef {import("../types/kelas.d.ts").PageConfig} PageConfig */

async function start() {
  const config = /** @type {PageConfig} */ (JSON.parse(byId("kelas-config").textContent ?? "{}"));
  const [io, tus, tokens] = await Promise.all([
    loadIo(), loadTus(), tabSession(config.classId), loadLanguage(config.language),
  ]);
  translate(document);

  const session = createSession({ config, io, url: location.origin, tokens, wish: qualityWish });
  const { store, connection, news } = session;
  const toasts = createToasts();
  const panel = createPanel();
  const sound = createSound(session);
  const check = createCheck({ session, useSpeaker: sound.useSpeaker });
  const end = mountEnd({ session });

  const page = {
    session, toasts, panel, sound, check,
    /** @param {Parameters<typeof may>[0]} action */
    may: (action) => {
      const you = store.get().you;
      return you ? may(action, config.me.base ?? config.me.role, you.role) : false;
    },
    announce,
    /** @param {{id: string, name: string}} person */
    writeTo: (person) => composer.writeTo(person),
  };
  const chat = mountChat(page);
  const composer = mountComposer(page, chat.toEnd);
  const controls = mountControls(page);
  const files = mountFiles(page, tus);
  const keys = mountKeys({ session, sound, controls, focusChat: composer.focus });
  mountStage(page);
  mountPeople(page);
  mountLobby(page);
  mountConnection(page);
  mountLive({ ...page, startScreen: controls.toggleScreen });
  mountTopbar({ ...page, showKeys: keys.show, busy: () => files.busy });
  mountViewport();

  news.on("fault", (fault) => toasts.fault(fault));
  watchNetwork(session);

  window.kelas = Object.freeze({
    state: () => ({
      ...store.get(), people: [...store.get().people.values()], slots: [...store.get().slots.values()], layers: [...store.get().layers.values()],
      files: [...store.get().files.values()], chat: session.chat.rows(), storedSeq: session.chat.storedSeq,
    }),
  });

  if (!supported()) return end.show(new FaultError("unsupportedBrowser"));
  connection.start();
}

/** Politely, one after the other. @param {string} text */
function announce(text) {
  byId("announcer").textContent = text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/**
 * What the browser says about the network and the tab.
 *
 * @param {import("./session.js").Session} session
 */
function watchNetwork({ connection, viewer, presenter, store }) {
  const changed = () => {
    void connection.probe();
    if (!connection.online) return;
    viewer.networkChanged();
    presenter.networkChanged();
  };
  window.addEventListener("online", changed);
  // Not in every browser; where it is, it knows of Wi-Fi to mobile too.
  const network = /** @type {any} */ (navigator).connection;
  let kind = network?.type;
  network?.addEventListener?.("change", () => {
    if (network.type === kind) return; // only its estimate of the speed
    kind = network.type;
    changed();
  });
  document.addEventListener("visibilitychange", () => {
    if (connection.online) void connection.request("presence", { away: document.hidden }).catch(() => {});
    else if (!document.hidden) connection.retryNow();
  });
  store.watch(["phase"], ({ phase }) => {
    if (phase.name === "online" && document.hidden) void connection.request("presence", { away: true }).catch(() => {});
  });
}

start().catch((error) => {
  console.error(error);
  const box = document.getElementById("empty-text");
  if (box) box.textContent = t("error.pageBroken") === "error.pageBroken" ? asFault(error).message : t("error.pageBroken");
});
