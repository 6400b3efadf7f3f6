// The connection: bars and a word for everybody, figures behind a press, a
// quiet line while it is away, and what to tell the administrator when the
// media cannot get through.

import { byId, el, setText } from "./dom.js";
import { bitrate } from "../format.js";
import { faultText, language, onLanguage, t } from "../i18n.js";
import { bars } from "../media_figures.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page} page */
export function mountConnection(page) {
  const { session, toasts } = page;
  const { store, connection, actions } = session;
  const app = byId("app");
  const button = byId("connection-button");
  const card = byId("connection-card");
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;
  let lineSince = 0;
  let failedTold = false;

  function state() {
    const { phase, media, figures, joined } = store.get();
    if (phase.name !== "online") return { n: 0, key: joined ? "net.reconnecting.short" : "net.connecting" };
    if (media.state === "connecting") return { n: 0, key: "net.connecting" };
    if (media.state === "troubled") return { n: 1, key: "net.troubled" };
    if (media.state === "failed") return { n: 0, key: "net.noMedia" };
    if (!figures) return { n: 4, key: "net.good" };
    const n = bars(figures);
    return { n, key: /** @type {const} */ (["", "net.bad", "net.weak", "net.fair", "net.good"])[n] };
  }

  function render() {
    const { n, key } = state();
    const { quality, live, phase } = store.get();
    // Good bars without a picture would be a riddle.
    const word = quality === "soundOnly" && live === "off" && phase.name === "online" ? `${t(key)} · ${t("quality.soundOnly")}` : t(key);
    byId("connection-bars").dataset.bars = String(n);
    setText(byId("connection-word"), word);
    button.setAttribute("aria-label", `${t("net.title")}: ${word}`);
    app.dataset.phase = store.get().phase.name;
    if (!card.hidden) renderCard();
  }

  function renderCard() {
    const { figures, media, live, phase, layers, slots } = store.get();
    const lang = language();
    setText(byId("connection-summary"), phase.name !== "online" ? t("net.reconnecting")
      : media.state === "failed" ? failedText() : t(live === "off" ? "net.summaryView" : "net.summaryLive"));
    /** @type {[string, string][]} */
    const rows = [];
    byId("quality").hidden = live !== "off";
    if (figures && phase.name === "online") {
      for (const [slot, name] of live === "off" ? /** @type {const} */ ([["screen", "net.layerScreen"], ["camera", "net.layerCamera"]]) : []) {
        const text = slots.get(slot)?.live ? layerText(layers.get(slot)) : "";
        if (text) rows.push([t(name), text]);
      }
      for (const p of figures.pictures) {
        const what = live === "off" ? p.slot : "";
        rows.push([t(what === "screen" ? "net.pictureScreen" : what === "camera" ? "net.pictureCamera" : "net.picture"),
          t("net.pictureValue", { width: p.width, height: p.height, fps: p.fps })]);
      }
      rows.push([t(live === "off" ? "net.received" : "net.sent"), bitrate(figures.bitrate, lang)]);
      rows.push([t("net.loss"), new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 }).format(figures.loss)]);
      if (figures.rtt >= 0) rows.push([t("net.rtt"), `${figures.rtt} ms`]);
      if (figures.path) rows.push([t("net.path"), t(`net.path.${figures.path}`)]);
      if (figures.local) rows.push([t("net.candidates"), `${figures.local} → ${figures.remote}`]);
    }
    const list = byId("connection-figures");
    if (list.childElementCount === rows.length * 2) {
      rows.forEach(([name, value], i) => {
        setText(/** @type {HTMLElement} */ (list.children[2 * i]), name);
        setText(/** @type {HTMLElement} */ (list.children[2 * i + 1]), value);
      });
    } else list.replaceChildren(...rows.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
  }

  /** Which of the sizes that the presenter sends is received. @param {import("../../types/kelas.d.ts").LayerView} [view] */
  function layerText(view) {
    if (!view) return "";
    if (view.paused) return t(`net.paused.${view.paused}`);
    const size = view.layer === "q" || view.layer === "h" || view.layer === "f" ? t(`net.layer.${view.layer}`) : view.layer || t("net.layer.only");
    return view.temporal >= 0 ? t("net.layer.thin", { layer: size }) : size;
  }

  for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (byId("quality").querySelectorAll("input"))) {
    radio.addEventListener("change", () => {
      if (radio.checked) actions.setQuality(/** @type {any} */ (radio.value));
    });
  }
  store.watch(["quality"], ({ quality }) => {
    for (const radio of /** @type {NodeListOf<HTMLInputElement>} */ (byId("quality").querySelectorAll("input"))) {
      radio.checked = radio.value === quality;
    }
  });

  /** What was tried, and what to ask for. */
  function failedText() {
    const tried = /** @type {{ways: string[], turn: boolean} | undefined} */ (store.get().media.tried);
    return t(tried?.turn ? "net.failedText" : "net.failedTextNoTurn", { ways: tried?.ways.join(", ") || t("net.noWays") });
  }

  // The quiet line: not for the blink of an eye that a reconnect often takes.
  function line() {
    const { phase, joined } = store.get();
    const away = joined && (phase.name === "lost" || phase.name === "connecting");
    if (!away) lineSince = 0;
    else if (!lineSince) lineSince = Date.now();
    const show = away && Date.now() - lineSince > 600;
    byId("line").hidden = !show;
    if (away && ticking === undefined) ticking = setInterval(line, 500);
    if (!away) {
      clearInterval(ticking);
      ticking = undefined;
      return;
    }
    const seconds = Math.ceil((phase.retryAt - Date.now()) / 1000);
    const text = phase.fault ? `${faultText(phase.fault)} ${t("net.reconnecting")}` : t("net.reconnectingLine");
    setText(byId("line-text"), seconds > 2 ? `${text} ${t("net.nextTry", { count: seconds })}` : text);
    byId("line-retry").hidden = seconds <= 2;
  }

  function tellFailure() {
    const { media } = store.get();
    if (media.state === "failed" && !failedTold) {
      failedTold = true;
      toasts.show({ key: "media", kind: "fault", title: t("net.failedTitle"), text: failedText(), stay: true });
    } else if (media.state === "connected" && failedTold) {
      failedTold = false;
      toasts.dismiss("media");
    }
  }

  /** @param {boolean} open */
  function toggle(open) {
    card.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) renderCard();
  }
  button.addEventListener("click", () => toggle(card.hidden));
  document.addEventListener("pointerdown", (event) => {
    const target = /** @type {Node} */ (event.target);
    if (!card.hidden && !card.contains(target) && !button.contains(target)) toggle(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !card.hidden) {
      toggle(false);
      button.focus();
    }
  });
  byId("line-retry").addEventListener("click", () => connection.retryNow());

  store.watch(["phase", "media", "figures", "joined", "live", "layers", "slots", "quality"], render);
  store.watch(["phase", "joined"], line);
  store.watch(["media"], tellFailure);
  onLanguage(() => { render(); line(); });
}
