// The line to the class against a socket made of plain calls: joins, resumes,
// refusals and the answers to offers.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Connection, isFinal } from "./protocol.js";

class FakeSocket {
  connected = false;
  active = true;
  opened = 0;
  io = { engine: { close: () => this.drop() } };
  /** @type {{event: string, body: any, ack?: (...args: any[]) => void}[]} */ sent = [];
  /** @type {Map<string, (...args: any[]) => void>} */ #on = new Map();
  /** @type {(event: string, body: any) => void} */ #any = () => {};

  on(/** @type {string} */ event, /** @type {any} */ listener) { this.#on.set(event, listener); return this; }
  onAny(/** @type {any} */ listener) { this.#any = listener; return this; }
  connect() { this.opened++; return this; }
  disconnect() { if (this.connected) this.drop(); return this; }
  emit(/** @type {string} */ event, /** @type {any} */ body, /** @type {any} */ ack) { this.sent.push({ event, body, ack }); return this; }
  timeout() {
    return { emit: (/** @type {string} */ event, /** @type {any} */ body, /** @type {any} */ ack) => { this.sent.push({ event, body, ack }); } };
  }

  accept() { this.connected = true; this.#on.get("connect")?.(); }
  refuse(/** @type {any} */ data) { this.#on.get("connect_error")?.(Object.assign(new Error("refused"), { data })); }
  drop() { this.connected = false; this.#on.get("disconnect")?.("transport close"); }
  push(/** @type {string} */ event, /** @type {any} */ body) { this.#any(event, body); }
  last(/** @type {string} */ event) {
    const found = this.sent.findLast((m) => m.event === event);
    assert.ok(found, `${event} was not sent`);
    return found;
  }
}

function setUp(lastSeq = 0) {
  const socket = new FakeSocket();
  const session = { token: "", load: () => session.token, save: (/** @type {string} */ t) => { session.token = t; } };
  const position = { lastSeq };
  const connection = new Connection({
    io: () => /** @type {any} */ (socket), url: "", path: "/socket.io/", classId: "c1", language: "id", lastSeq: () => position.lastSeq, session,
  });
  /** @type {string[]} */
  const phases = [];
  connection.on("phase", (p) => phases.push(p.name + (p.fault ? `:${p.fault.code}` : "")));
  const join = () => {
    socket.accept();
    socket.push("joined", { session: "token-1", resumed: false });
  };
  return { socket, session, position, connection, phases, join };
}

test("joins, keeps the session, and resumes from the last stored number", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { socket, session, position, connection, phases, join } = setUp();
  connection.start();
  socket.accept();
  assert.deepEqual(socket.last("join").body, { lastSeq: 0, language: "id" });
  /** @type {any[]} */
  const joins = [];
  connection.on("joined", (m) => joins.push(m));
  socket.push("joined", { session: "token-1", resumed: false });
  assert.equal(session.token, "token-1");
  assert.equal(connection.online, true);

  position.lastSeq = 41;
  socket.drop();
  assert.equal(connection.online, false);
  t.mock.timers.tick(500);
  assert.equal(socket.opened, 2);
  join();
  assert.deepEqual(socket.last("join").body, { session: "token-1", lastSeq: 41, language: "id" });
  assert.equal(joins.at(-1).asked, 41);
  assert.deepEqual(phases, ["connecting", "online", "lost", "lost", "online"]);
});

test("goes on trying for ever, never faster than it should", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { socket, connection } = setUp();
  connection.start();
  for (let i = 1; i <= 60; i++) {
    socket.refuse(undefined);
    assert.equal(socket.opened, i, "it waits first");
    const wait = connection.phase.retryAt - Date.now();
    assert.ok(wait >= 250 && wait <= 15_000, `${wait}`);
    t.mock.timers.tick(wait);
    assert.equal(socket.opened, i + 1);
  }
});

test("within the time a place is kept it is tried at least every four seconds", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { socket, connection, join } = setUp();
  for (const round of [1, 2]) {
    if (round === 1) connection.start();
    join();
    const lost = Date.now();
    socket.drop();
    let longest = 0;
    while (Date.now() - lost < 120_000) {
      const wait = connection.phase.retryAt - Date.now();
      if (Date.now() - lost < 30_000) assert.ok(wait <= 4000, `${wait}`);
      longest = Math.max(longest, wait);
      t.mock.timers.tick(wait);
      socket.refuse(undefined);
    }
    assert.ok(longest > 7000, "later it is left in peace");
    t.mock.timers.tick(connection.phase.retryAt - Date.now());
  }
});

test("says how long it was away: since the line went, or since the server was heard", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { socket, connection, join } = setUp();
  /** @type {number[]} */
  const away = [];
  connection.on("joined", (m) => away.push(m.away));
  connection.start();
  join();
  socket.drop();
  t.mock.timers.tick(6000);
  join();
  // The machine slept: the line breaks only when it wakes.
  t.mock.timers.setTime(Date.now() + 3_600_000);
  socket.drop();
  join();
  assert.deepEqual(away, [0, 6000, 3_570_000]);
});

test("a refusal that will not change ends it; one that may does not", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { socket, connection, phases } = setUp();
  connection.start();
  socket.refuse({ code: "storeUnavailable", message: "later" });
  assert.equal(phases.at(-1), "lost:storeUnavailable");
  t.mock.timers.tick(1000);
  socket.refuse({ code: "tokenExpired", message: "no" });
  assert.equal(phases.at(-1), "refused:tokenExpired");
  const opened = socket.opened;
  t.mock.timers.tick(100_000);
  assert.equal(socket.opened, opened);
  assert.equal(isFinal("removed"), true);
  connection.start();
  assert.equal(socket.opened, opened + 1, "a person may still try");
});

test("a server that says it stops is given the time it asks for", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { socket, connection, join } = setUp();
  connection.start();
  join();
  socket.push("serverClosing", { retryAfter: 5000 });
  socket.drop();
  t.mock.timers.tick(5000);
  assert.equal(socket.opened, 1);
  t.mock.timers.tick(1000);
  assert.equal(socket.opened, 2);
});

test("requests: answers, refusals, no answer, no line", async () => {
  const { socket, connection, join } = setUp();
  await assert.rejects(connection.request("chat", {}), { code: "offline" });
  connection.start();
  socket.accept();
  await assert.rejects(connection.request("chat", {}), { code: "offline" }, "not before the join");
  socket.push("joined", { session: "s" });
  const good = connection.request("chat", { text: "a" });
  socket.last("chat").ack?.(null, { ok: true, entry: { seq: 1 } });
  assert.equal((await good).entry.seq, 1);
  const bad = connection.request("chat", {});
  socket.last("chat").ack?.(null, { ok: false, error: { code: "chatEmpty", message: "m" } });
  await assert.rejects(bad, { code: "chatEmpty" });
  const silent = connection.request("chat", {});
  socket.last("chat").ack?.(new Error("operation has timed out"));
  await assert.rejects(silent, { code: "timeout" });
  void join;
});

test("negotiation: accepted, rejected, overtaken, cut off", async () => {
  const { socket, connection, join } = setUp();
  connection.start();
  join();
  const first = connection.negotiate("viewer", "offer 1");
  assert.deepEqual(socket.last("viewer").body, { sdpOffer: "offer 1" });
  const second = connection.negotiate("viewer", "offer 2", "e1");
  await assert.rejects(first, { code: "overtaken" });
  assert.deepEqual(socket.last("viewer").body, { sdpOffer: "offer 2", endpoint: "e1" });
  socket.push("viewerResponse", { response: "accepted", sdpAnswer: "answer", endpoint: "e1" });
  assert.deepEqual(await second, { sdpAnswer: "answer", endpoint: "e1" });

  const third = connection.negotiate("presenter", "offer 3");
  socket.push("presenterResponse", { response: "rejected", code: "presenterPresent", message: "m" });
  await assert.rejects(third, { code: "presenterPresent" });

  const fourth = connection.negotiate("presenter", "offer 4");
  socket.last("presenter").ack?.({ ok: false, error: { code: "messageTooLarge", message: "m" } });
  await assert.rejects(fourth, { code: "messageTooLarge" });

  const fifth = connection.negotiate("viewer", "offer 5");
  socket.drop();
  await assert.rejects(fifth, { code: "offline" });
  connection.close();
});

test("waits in the lobby on its line, and joins when it is let in", () => {
  const { socket, connection, phases } = setUp();
  connection.start();
  socket.accept();
  socket.last("join").ack?.(null, { ok: false, error: { code: "inLobby", message: "" } });
  return Promise.resolve().then(() => Promise.resolve()).then(() => {
    assert.equal(phases.at(-1), "lobby");
    assert.equal(socket.connected, true);
    assert.equal(socket.sent.filter((m) => m.event === "join").length, 1);
    socket.push("lobbyAdmitted", {});
    assert.equal(socket.sent.filter((m) => m.event === "join").length, 2);
    socket.push("joined", { session: "token-1", resumed: false });
    assert.equal(phases.at(-1), "online");
    assert.equal(isFinal("lobbyRefused") && isFinal("guestsRefused") && !isFinal("inLobby"), true);
  });
});
