// The stage: the screen large and the face small, or whatever there is; who is
// expected when there is nothing.

import { byId, el, setText } from "./dom.js";
import { initials, nameColour } from "../colour.js";
import { onLanguage, t } from "../i18n.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {"screen" | "camera"} Picture */

const corners = ["tl", "tr", "bl", "br"];
const storageKey = "kelas.stage";

/** @param {Page} page */
export function mountStage(page) {
  const { session } = page;
  const stage = byId("stage");
  const tiles = { screen: byId("tile-screen"), camera: byId("tile-camera") };
  const videos = {
    screen: /** @type {HTMLVideoElement} */ (byId("video-screen")),
    camera: /** @type {HTMLVideoElement} */ (byId("video-camera")),
  };
  /** What the viewer endpoint receives. @type {Map<string, MediaStreamTrack>} */
  const received = new Map();
  /** @type {{large: Picture | "auto", side: boolean, pinned: boolean, corner: string}} */
  const layout = { large: "auto", side: false, pinned: false, corner: "tr", ...remembered() };

  /** What the class sees comes from this participant's encoder. @param {Picture} picture */
  function fromEncoder(picture) {
    const { slots, you } = session.store.get();
    const slot = slots.get(picture);
    return Boolean(slot?.encoder && slot.participant === you?.id);
  }

  /** @param {Picture} picture */
  function trackOf(picture) {
    // The own camera would be what nobody sees.
    if (session.store.get().live !== "off" && fromEncoder(picture)) return null;
    if (session.store.get().live !== "off") return session.presenter.track(picture);
    return received.get(picture) ?? null;
  }

  /** @param {Picture} picture */
  function isOn(picture) {
    const { live, sources, slots, phase, quality } = session.store.get();
    if (live !== "off") return sources[picture] || fromEncoder(picture);
    return quality !== "soundOnly" && phase.name !== "refused" && Boolean(slots.get(picture)?.live);
  }

  function render() {
    const on = { screen: isOn("screen"), camera: isOn("camera") };
    if (!on.screen && !on.camera && !layout.pinned) layout.large = "auto";
    const both = on.screen && on.camera;
    const large = layout.large !== "auto" && on[layout.large] ? layout.large : on.screen ? "screen" : "camera";
    stage.dataset.layout = !on.screen && !on.camera ? "empty" : both ? (layout.side ? "side" : "corner") : "single";
    for (const picture of /** @type {Picture[]} */ (["screen", "camera"])) {
      const tile = tiles[picture];
      const small = both && picture !== large;
      tile.dataset.place = small ? "small" : "large";
      if (small && !layout.side) tile.dataset.corner = layout.corner;
      else delete tile.dataset.corner;
      movable(tile, small && !layout.side);
      show(picture, on[picture]);
      tile.hidden = !on[picture];
    }
    byId("stage-empty").hidden = on.screen || on.camera;
    for (const id of ["tool-swap", "tool-side", "tool-pin"]) byId(id).hidden = !both;
    byId("tool-side").setAttribute("aria-pressed", String(layout.side));
    byId("tool-pin").setAttribute("aria-pressed", String(layout.pinned));
    words(on);
    speakers();
  }

  /** @param {Picture} picture @param {boolean} on */
  function show(picture, on) {
    const video = videos[picture];
    const track = on ? trackOf(picture) : null;
    const current = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0] ?? null;
    if (track !== current) {
      // An element keeps its last picture, so it is emptied with its slot.
      video.srcObject = track ? new MediaStream([track]) : null;
      if (track) video.play().catch(() => {}); // muted: allowed; interrupted by the next one otherwise
    }
    const own = session.store.get().live !== "off";
    tiles[picture].toggleAttribute("data-mirror", own && picture === "camera" && !fromEncoder(picture));
    note(picture);
  }

  /** The sentence over a picture that is not there yet, or cannot be. @param {Picture} picture */
  function note(picture) {
    const box = /** @type {HTMLElement} */ (tiles[picture].querySelector(".k-tile-note"));
    const { unplayable, live, layers } = session.store.get();
    const codec = live === "off" ? unplayable.get(picture) : undefined;
    const weak = live === "off" && layers.get(picture)?.paused === "line";
    if (live !== "off" && fromEncoder(picture)) setText(box, t("live.encoderShows"));
    else if (weak && !codec) setText(box, t("class.pausedByLine"));
    else if (codec) setText(box, t("class.unplayable", { codec: codec.replace(/^video\//, "") }));
    else setText(box, t("class.pictureComes"));
    box.hidden = !codec && !weak && videos[picture].readyState >= 2;
  }

  /** @param {Record<Picture, boolean>} on */
  function words(on) {
    const { cls, people, you, joined, live, sources, slots, phase, media, figures, quality } = session.store.get();
    const presenter = people.get(cls.presenter);
    const name = live !== "off" ? t("live.you") : presenter?.name ?? "";
    setText(byId("camera-name"), fromEncoder("camera") ? t("live.byEncoder") : name);
    setText(byId("screen-name"), fromEncoder("screen") ? t("live.byEncoder") : live !== "off" ? t("live.yourScreen") : t("class.screenOf", { name }));
    setText(byId("empty-title"), cls.title);
    const chosen = live === "off" && Boolean(cls.presenter) && cls.presenter !== you?.id && quality === "soundOnly"
      && Boolean(slots.get("camera")?.live || slots.get("screen")?.live);
    setText(byId("empty-text"), emptyText());
    byId("pictures-on").hidden = !joined || !chosen;
    faces();
    veil();

    function emptyText() {
      if (!joined) return t("class.opening");
      if (live !== "off") return sources.mic ? t("live.onlySound") : t("live.nothingOn");
      if (cls.presenter && cls.presenter !== you?.id) {
        if (chosen) return t("class.soundOnlyChosen");
        return slots.get("mic")?.live ? t("class.onlySound", { name }) : t("class.nothingOn", { name });
      }
      if (cls.presenter) return t("class.liveElsewhere");
      return page.may("present") ? t("class.readyToGo") : t("class.waiting");
    }

    function faces() {
      const box = byId("empty-people");
      const others = [...people.values()].filter((p) => p.id !== you?.id && p.presence !== "lost");
      const key = cls.presenter ? "" : others.map((p) => p.id).slice(0, 40).join() + others.length;
      if (box.dataset.key === key) return;
      box.dataset.key = key;
      box.replaceChildren();
      if (cls.presenter || !joined) return;
      for (const p of others.slice(0, 6)) {
        box.append(el("span", { class: `k-face k-name-${nameColour(p.id)}`, text: initials(p.name), title: p.name }));
      }
      box.append(el("span", { text: others.length ? t("class.alreadyHere", { count: others.length }) : t("class.firstHere") }));
    }

    function veil() {
      const away = phase.name === "lost" || phase.name === "connecting";
      let text = "";
      // The picture often goes on while the line to the class is away: it is
      // dimmed then, not covered.
      const flows = media.state === "connected" && (figures?.bitrate ?? 0) > 0;
      if (cls.presenterLostUntil && live === "off" && !away) text = t("class.presenterLost", { name });
      else if (media.state === "troubled" || media.state === "failed") text = t("net.mediaTroubled");
      else if (away && joined) text = t("net.reconnecting");
      const box = byId("stage-veil");
      const light = away && flows;
      setText(byId("veil-text"), light ? "" : text);
      box.toggleAttribute("data-light", light);
      box.hidden = !text || (live !== "off" && media.state === "connected");
      if (!on.screen && !on.camera && !cls.presenterLostUntil) box.hidden = true;
    }
  }

  function speakers() {
    const { slots, people, live } = session.store.get();
    let any = false;
    for (const n of [1, 2]) {
      const tile = byId(`tile-speaker${n}`);
      const slot = slots.get(/** @type {any} */ (`speaker${n}Video`));
      const track = received.get(`speaker${n}Video`);
      const on = live === "off" && Boolean(slot?.live && track);
      const video = /** @type {HTMLVideoElement} */ (tile.querySelector("video"));
      if (on && track && /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0] !== track) {
        video.srcObject = new MediaStream([track]);
        video.play().catch(() => {});
      } else if (!on) video.srcObject = null;
      setText(/** @type {HTMLElement} */ (tile.querySelector("span")), people.get(slot?.participant ?? "")?.name ?? "");
      tile.hidden = !on;
      any ||= on;
    }
    byId("speakers").hidden = !any;
  }

  function swap() {
    layout.large = (tiles.screen.dataset.place === "large") ? "camera" : "screen";
    keep();
  }
  function keep() {
    try {
      localStorage.setItem(storageKey, JSON.stringify({ side: layout.side, corner: layout.corner }));
    } catch {
      // Not remembered, then.
    }
    render();
  }

  // --- the small picture: by pointer to the nearest corner, by arrow keys too

  /** @param {HTMLElement} tile @param {boolean} can */
  function movable(tile, can) {
    tile.tabIndex = can ? 0 : -1;
    if (can) {
      tile.setAttribute("role", "button");
      tile.setAttribute("aria-label", t("class.moveSmall"));
    } else {
      tile.removeAttribute("role");
      tile.removeAttribute("aria-label");
    }
  }

  for (const tile of Object.values(tiles)) {
    tile.addEventListener("keydown", (event) => {
      if (tile.dataset.place !== "small") return;
      const [v, h] = layout.corner;
      const to = { ArrowUp: `t${h}`, ArrowDown: `b${h}`, ArrowLeft: `${v}l`, ArrowRight: `${v}r` }[event.key];
      if (event.key === "Enter" || event.key === " ") swap();
      else if (to) layout.corner = to;
      else return;
      event.preventDefault();
      keep();
    });
    tile.addEventListener("dblclick", () => { if (tile.dataset.place === "small") swap(); });
    tile.addEventListener("pointerdown", (down) => {
      if (tile.dataset.place !== "small" || layout.side || down.button !== 0) return;
      tile.setPointerCapture(down.pointerId);
      const move = (/** @type {PointerEvent} */ e) => {
        tile.dataset.dragging = "";
        tile.style.translate = `${e.clientX - down.clientX}px ${e.clientY - down.clientY}px`;
      };
      const up = (/** @type {PointerEvent} */ e) => {
        tile.removeEventListener("pointermove", move);
        tile.removeEventListener("pointerup", up);
        tile.removeEventListener("pointercancel", up);
        const at = tile.getBoundingClientRect();
        const box = stage.getBoundingClientRect();
        delete tile.dataset.dragging;
        tile.style.translate = "";
        if (e.type === "pointercancel" || Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < 8) return;
        const v = at.top + at.height / 2 < box.top + box.height / 2 ? "t" : "b";
        const h = at.left + at.width / 2 < box.left + box.width / 2 ? "l" : "r";
        if (corners.includes(v + h)) layout.corner = v + h;
        keep();
      };
      tile.addEventListener("pointermove", move);
      tile.addEventListener("pointerup", up);
      tile.addEventListener("pointercancel", up);
    });
  }

  byId("pictures-on").addEventListener("click", () => {
    session.actions.setQuality("automatic");
    byId("connection-button").focus(); // where the choice is; this button is gone
  });
  byId("tool-swap").addEventListener("click", swap);
  byId("tool-side").addEventListener("click", () => {
    layout.side = !layout.side;
    keep();
  });
  byId("tool-pin").addEventListener("click", () => {
    layout.pinned = !layout.pinned;
    layout.large = layout.pinned ? (tiles.screen.dataset.place === "large" ? "screen" : "camera") : "auto";
    keep();
  });

  // Tools step aside when nobody points at the stage.
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let idle;
  const wake = () => {
    delete stage.dataset.idle;
    clearTimeout(idle);
    idle = setTimeout(() => { if (!stage.contains(document.activeElement)) stage.dataset.idle = ""; }, 4000);
  };
  stage.addEventListener("pointermove", wake);
  stage.addEventListener("pointerdown", wake);
  stage.addEventListener("focusin", wake);
  wake();

  for (const picture of /** @type {Picture[]} */ (["screen", "camera"])) {
    for (const event of ["loadeddata", "emptied", "resize", "playing"]) {
      videos[picture].addEventListener(event, () => note(picture));
    }
  }
  session.viewer.on("track", ({ slot, track }) => {
    if (track.kind !== "video") return;
    received.set(slot, track);
    render();
  });
  session.store.watch(
    ["slots", "live", "sources", "unplayable", "cls", "people", "you", "joined", "phase", "media", "quality", "layers"], render,
  );
  // The figures matter here only to tell a still picture from a lost line.
  session.store.watch(["figures"], ({ phase }) => { if (phase.name !== "online") render(); });
  onLanguage(render);
}

function remembered() {
  try {
    const { side, corner } = JSON.parse(localStorage.getItem(storageKey) ?? "{}");
    return { side: side === true, corner: corners.includes(corner) ? corner : "tr" };
  } catch {
    return {};
  }
}
