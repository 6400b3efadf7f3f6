// One visit to a class: joins the line, the chat log, the two media endpoints
// and the store, and knows the rules between them. No DOM; the page in ui/
// shows the store and calls the actions.

import { ChatLog } from "./chatlog.js";
import { Connection, patience } from "./protocol.js";
import { Emitter } from "./emitter.js";
import { FaultError, asFault } from "./fault.js";
import { Presenter } from "./media_presenter.js";
import { Viewer } from "./media_viewer.js";
import { createStore } from "./store.js";

/** @typedef {import("../types/kelas.d.ts").PageConfig} PageConfig */
/** @typedef {import("../types/kelas.d.ts").Participant} Participant */
/** @typedef {import("../types/kelas.d.ts").ClassView} ClassView */
/** @typedef {import("../types/kelas.d.ts").SlotView} SlotView */
/** @typedef {import("../types/kelas.d.ts").FileView} FileView */
/** @typedef {import("../types/kelas.d.ts").Phase} Phase */
/** @typedef {import("../types/kelas.d.ts").Publishing} Publishing */
/** @typedef {import("../types/kelas.d.ts").Joined} Joined */
/** @typedef {import("../types/kelas.d.ts").Quality} Quality */
/** @typedef {import("../types/kelas.d.ts").LayerView} LayerView */
/** @typedef {import("./media_figures.js").Figures} Figures */

/**
 * @typedef {object} State
 * @property {Phase} phase
 * @property {boolean} joined whether this page has ever been in the class
 * @property {Participant | null} you
 * @property {ClassView} cls
 * @property {ReadonlyMap<string, Participant>} people
 * @property {ReadonlyMap<string, SlotView>} slots
 * @property {ReadonlyMap<string, string>} unplayable slot -> codec this browser cannot play
 * @property {ReadonlyMap<string, FileView>} files
 * @property {ReadonlyMap<string, import("../types/kelas.d.ts").Waiting>} lobby who waits to be let in, for those who may
 * @property {string} welcome
 * @property {number} chatRevision grows with every change of the chat log
 * @property {number} delayed chat messages that wait for the database
 * @property {"off" | "starting" | "live"} live of this page
 * @property {Publishing} sources what this page sends
 * @property {{state: import("./media.js").MediaState, tried?: object}} media of the endpoint in use
 * @property {Figures | null} figures
 * @property {Quality} quality what this viewer wants
 * @property {ReadonlyMap<string, LayerView>} layers what the server sends in each slot
 */

/** @typedef {ReturnType<typeof createSession>} Session */

const nothing = { mic: false, camera: false, screen: false, screenAudio: false };

/**
 * @param {object} options
 * @param {PageConfig} options.config
 * @param {import("../types/kelas.d.ts").Io} options.io
 * @param {string} options.url
 * @param {{load(): string, save(token: string): void}} options.tokens
 * @param {{load(): Quality, save(quality: Quality): void}} [options.wish] the quality that this browser remembers
 * @param {(flush: () => void) => void} [options.schedule]
 */
export function createSession({ config, io, url, tokens, wish, schedule }) {
  const chat = new ChatLog();
  const news = new Emitter();
  /** @type {State} */
  const initial = {
    phase: { name: "connecting", attempt: 0, retryAt: 0 }, joined: false, you: null,
    cls: {
      id: config.classId, title: config.title, locked: false, liveSince: 0, presenter: "", presenterLostUntil: 0, slots: [],
    },
    people: new Map(), slots: new Map(), unplayable: new Map(), files: new Map(),
    lobby: new Map(), welcome: "",
    chatRevision: 0, delayed: 0, live: "off", sources: nothing, media: { state: "off" }, figures: null,
    quality: wish?.load() ?? "automatic", layers: new Map(),
  };
  const store = createStore(initial, schedule);
  const connection = new Connection({
    io, url, path: config.socketPath, classId: config.classId, language: config.language,
    lastSeq: () => chat.storedSeq, session: tokens,
  });
  const viewer = new Viewer(connection);
  const presenter = new Presenter(connection);
  /** The server has named this participant as presenter since this page went live. */
  let confirmed = false;

  const chatChanged = () => store.set({ chatRevision: store.get().chatRevision + 1 });

  /** @param {Participant} participant */
  function putParticipant(participant) {
    const people = new Map(store.get().people);
    people.set(participant.id, participant);
    const you = store.get().you;
    store.set({ people, ...(you?.id === participant.id && { you: participant }) });
  }

  /** @param {SlotView[]} slots */
  function setSlots(slots) {
    const map = new Map(slots.map((s) => [s.slot, s]));
    const unplayable = new Map(store.get().unplayable);
    for (const [slot, codec] of unplayable) {
      const now = map.get(/** @type {any} */ (slot));
      if (!now?.live || (now.codec && now.codec !== codec)) unplayable.delete(slot);
    }
    store.set({ slots: map, unplayable });
    viewer.setSlots(slots, !store.get().cls.presenterLostUntil);
  }

  /** @param {ReadonlyMap<string, LayerView>} layers */
  function setLayers(layers) {
    store.set({ layers });
    const all = store.get().quality === "soundOnly";
    viewer.setPaused((slot) => all || Boolean(layers.get(slot)?.paused));
  }

  /** The server is told for each session; it answers with what it sends. */
  function tellQuality() {
    if (!connection.online) return; // the next join tells it
    connection.request("quality", { quality: store.get().quality }).catch((error) => {
      const fault = asFault(error);
      if (fault.code !== "offline" && fault.code !== "timeout") news.emit("fault", fault);
    });
  }

  /** @param {ClassView} cls */
  function setClass(cls) {
    const before = store.get().cls;
    store.set({ cls });
    if (cls.slots) setSlots(cls.slots);
    const you = store.get().you;
    if (!you || !presenter.live) return;
    if (cls.presenter === you.id) confirmed = true;
    else if (confirmed && before.presenter === you.id) ceaseLive("");
  }

  /** This page no longer presents: gives the devices back and watches like everybody. @param {string} why */
  function ceaseLive(why) {
    if (!presenter.live && store.get().live === "off") return;
    confirmed = false;
    presenter.stop();
    store.set({ live: "off", figures: null });
    if (connection.online) void viewer.start();
    news.emit("ceased", why);
  }

  /** @param {import("../types/kelas.d.ts").Waiting[]} waiting */
  const setLobby = (waiting) => store.set({ lobby: new Map(waiting.map((w) => [w.id, w])) });

  /** @param {{joined: Joined, asked: number, away: number}} message */
  function onJoined({ joined, asked, away }) {
    const { resend, gap } = chat.join(joined, asked);
    store.set({
      joined: true, you: joined.you, people: new Map(joined.participants.map((p) => [p.id, p])),
      files: new Map((joined.files ?? []).map((f) => [f.id, f])), delayed: 0,
      welcome: joined.welcome ?? "",
    });
    setLobby(joined.lobby ?? []);
    for (const endpoint of [viewer, presenter]) endpoint.configure(joined.iceServers ?? [], config.iceTransportPolicy);
    confirmed = false;
    setClass(joined.class);
    chatChanged();
    if (!joined.resumed) setLayers(new Map());
    tellQuality(); // before the endpoint is made, so that it begins like this
    for (const pending of resend) void transmit(pending);
    if (gap) void closeGap(gap);
    // The class was told that it is over. Who opens the laptop at home must not
    // find that the camera was on the air at once.
    if (presenter.live && !joined.resumed && away > patience && joined.class.presenter !== joined.you.id) ceaseLive("lost");
    else if (presenter.live) presenter.lineBack(joined.resumed);
    else if (viewer.wanted) viewer.lineBack(joined.resumed);
    else void viewer.start();
    news.emit("joined", joined);
  }

  /** Fetches what was missed beyond the newest page. @param {{after: number, before: number}} gap */
  async function closeGap({ after, before }) {
    for (let page = 0; page < 100 && before > after + 1; page++) {
      const answer = await connection.request("chatHistory", { before, limit: 50 }).catch(() => null);
      if (!answer) return; // the line went; the next join asks again
      const entries = /** @type {import("../types/kelas.d.ts").ChatEntry[]} */ (answer.entries ?? []);
      chat.fillGap(entries);
      chatChanged();
      if (!entries.length || !answer.more) return;
      before = entries[0].seq;
    }
  }

  /** @param {import("./chatlog.js").Pending} pending */
  async function transmit(pending) {
    const { kind, text, clientId, to } = pending;
    try {
      const answer = await connection.request("chat", { kind, text, clientId, ...(to && { to: to.id }) });
      if (answer.entry) chat.add(answer.entry);
      chatChanged();
    } catch (error) {
      const { code } = asFault(error);
      // Unclear or not possible now: it stays "sending" and goes out again
      // with the same clientId when the line is back.
      if (code === "offline") return;
      if (code === "timeout" && !connection.online) return;
      chat.fail(clientId, code);
      chatChanged();
    }
  }

  connection.on("phase", (/** @type {Phase} */ phase) => {
    store.set({ phase });
    if (phase.name === "refused" || phase.name === "closed") {
      presenter.stop();
      viewer.close();
      store.set({ live: "off" });
    }
  });
  connection.on("joined", onJoined);
  connection.on("participantJoined", (m) => putParticipant(m.participant));
  connection.on("participantChanged", (m) => putParticipant(m.participant));
  connection.on("participantLeft", (m) => {
    const people = new Map(store.get().people);
    people.delete(m.id);
    store.set({ people });
    if (m.id !== store.get().you?.id) return;
    if (m.reason === "removed") connection.close(new FaultError("removed"));
    else if (m.reason === "ended") connection.close(new FaultError("classEnded"));
  });
  connection.on("classChanged", (m) => setClass(m.class));
  connection.on("slots", (m) => setSlots(m.slots));
  connection.on("slotUnplayable", (m) => store.set({ unplayable: new Map(store.get().unplayable).set(m.slot, m.codec) }));
  connection.on("layer", (/** @type {LayerView} */ m) => setLayers(new Map(store.get().layers).set(m.slot, m)));
  connection.on("stopCommunication", (m) => {
    if (m.reason === "ended") return connection.close(new FaultError("classEnded"));
    // A page that is live hears it when another decides: hand-over, take-back.
    if (presenter.live && m.reason !== "lost" && m.reason !== "stopped") ceaseLive(m.reason);
    else if (!presenter.live) news.emit("stopped", m.reason);
  });
  connection.on("chat", (m) => {
    const fresh = chat.add(m.entry);
    chatChanged();
    if (fresh) news.emit("chat", m.entry);
  });
  connection.on("chatStored", (m) => {
    chat.markStored(m.seq);
    store.set({ delayed: 0 });
    chatChanged();
  });
  connection.on("chatDelayed", (m) => store.set({ delayed: m.waiting }));
  connection.on("file", (m) => {
    store.set({ files: new Map(store.get().files).set(m.file.id, m.file) });
    news.emit("file", m.file);
  });
  connection.on("fileRemoved", (m) => {
    const files = new Map(store.get().files);
    files.delete(m.id);
    store.set({ files });
  });
  connection.on("roleChanged", (m) => {
    const you = store.get().you;
    if (!you || you.role === m.role) return;
    putParticipant({ ...you, role: m.role });
    news.emit("role", m.role);
  });
  connection.on("lobby", (m) => setLobby(m.waiting));
  connection.on("lobbyEntered", (m) => {
    setLobby([...store.get().lobby.values(), m.waiting]);
    news.emit("waits", m.waiting);
  });
  connection.on("lobbyLeft", (m) => setLobby([...store.get().lobby.values()].filter((w) => w.id !== m.id)));
  connection.on("handOverOffered", (m) => news.emit("offered", m));
  connection.on("error", (m) => news.emit("fault", asFault(m)));

  viewer.on("state", (media) => !presenter.live && store.set({ media }));
  presenter.on("state", (media) => presenter.live && store.set({ media }));
  viewer.on("figures", (figures) => !presenter.live && store.set({ figures }));
  presenter.on("figures", (figures) => presenter.live && store.set({ figures }));
  viewer.on("fault", (fault) => news.emit("fault", fault));
  presenter.on("fault", (fault) => {
    ceaseLive("");
    news.emit("fault", fault);
  });
  presenter.on("sources", () => store.set({ sources: presenter.publishing }));
  presenter.on("lost", (source) => news.emit("deviceLost", source));

  const actions = {
    /** @param {{mic?: MediaStreamTrack | null, camera?: MediaStreamTrack | null}} tracks */
    async goLive(tracks) {
      store.set({ live: "starting", figures: null });
      // One endpoint a page: the presenter sees its own picture, not its echo.
      viewer.close();
      confirmed = false;
      try {
        await presenter.goLive(tracks);
        if (connection.online) void connection.request("stop", { endpoint: "viewer" }).catch(() => {});
        confirmed = store.get().cls.presenter === store.get().you?.id;
        store.set({ live: "live" });
      } catch (error) {
        store.set({ live: "off" });
        if (connection.online) void viewer.start();
        throw asFault(error);
      }
    },

    async stopLive() {
      confirmed = false;
      presenter.stop();
      store.set({ live: "off", figures: null });
      if (!connection.online) return;
      await connection.request("stop", { endpoint: "presenter" }).catch((error) => news.emit("fault", asFault(error)));
      void viewer.start();
    },

    /**
     * @param {{kind: "message" | "private" | "announcement", text: string, to?: {id: string, name: string}}} message
     */
    sendChat(message) {
      const clientId = randomId();
      chat.send({ ...message, clientId, at: Date.now() });
      chatChanged();
      const pending = chat.retry(clientId);
      if (pending && connection.online) void transmit(pending);
    },

    /** @param {string} clientId */
    retryChat(clientId) {
      const pending = chat.retry(clientId);
      chatChanged();
      if (pending && connection.online) void transmit(pending);
    },

    /** @param {string} clientId */
    discardChat(clientId) {
      chat.discard(clientId);
      chatChanged();
    },

    /** @param {Quality} quality */
    setQuality(quality) {
      if (quality === store.get().quality) return;
      wish?.save(quality);
      store.set({ quality });
      setLayers(store.get().layers);
      tellQuality();
    },

    /** Loads a page of older messages. @returns {Promise<void>} */
    async olderChat() {
      const answer = await connection.request("chatHistory", { before: chat.firstSeq, limit: 50 });
      chat.addHistory(answer.entries ?? [], Boolean(answer.more));
      chatChanged();
    },

    /**
     * A request whose failure is shown to the person.
     *
     * @param {string} event
     * @param {object} [body]
     */
    async ask(event, body = {}) {
      try {
        return await connection.request(event, body);
      } catch (error) {
        news.emit("fault", asFault(error));
        return null;
      }
    },

    async leave() {
      presenter.stop();
      viewer.close();
      await connection.request("leave", {}, 1500).catch(() => {});
      connection.close();
    },
  };

  return { config, store, chat, connection, viewer, presenter, actions, news };
}

function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
