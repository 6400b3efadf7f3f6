// Runs an official client through what a page needs. Called by
// official_test.go: node official.mjs 2|4 URL CLASS. Prints one line for each
// check, "ok NAME" or "not ok NAME: why", and ends with "done".
import assert from "node:assert/strict";
import { io as io4 } from "socket.io-client";
import io2 from "socket.io-client-2";

const [version, url, classId] = process.argv.slice(2);
const patience = 15_000;
const open = new Set();

function connect(token, { path = "", name } = {}) {
  const options = { transports: ["websocket"], forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };
  let socket;
  if (version === "2") {
    socket = io2(url + path, { ...options, query: { class: classId, token, ...(name ? { name } : {}) } });
  } else {
    socket = io4(url + path, { ...options, query: { class: classId }, auth: { token, ...(name ? { name } : {}) } });
  }
  open.add(socket);
  return socket;
}

function once(socket, event, accept = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), patience);
    const listen = (...args) => {
      if (!accept(...args)) return;
      clearTimeout(timer);
      socket.off(event, listen);
      resolve(args[0]);
    };
    socket.on(event, listen);
  });
}

function ask(socket, event, body) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${event}`)), patience);
    socket.emit(event, body, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

async function join(token, body = {}) {
  const socket = connect(token);
  await once(socket, "connect");
  const picture = once(socket, "joined");
  assert.equal((await ask(socket, "join", body)).ok, true);
  return { socket, picture: await picture };
}

const checks = {
  async "connect and join"() {
    const { picture } = await join("viewer:Ani");
    assert.equal(picture.you.name, "Ani");
    assert.equal(picture.class.id, classId);
    assert.ok(picture.session.length > 20);
  },

  async "refused login"() {
    const socket = connect("expired");
    socket.on("connect", () => assert.fail("was told that it is connected"));
    if (version === "2") {
      const why = await once(socket, "error");
      assert.equal(why.code, "tokenExpired");
      assert.ok(why.message.length > 10);
    } else {
      const error = await once(socket, "connect_error");
      assert.equal(error.data.code, "tokenExpired");
      assert.equal(error.message, error.data.message);
      assert.equal(socket.active, false, "it would come back by itself");
    }
  },

  async "chat with acknowledgement, not in ASCII"() {
    const a = await join("viewer:Ani");
    const b = await join("viewer:Budi");
    const text = "Halo 世界 \u{1F600} <script>&amp;\u2028";
    const heard = once(b.socket, "chat", (e) => e.entry.text === text);
    const own = once(a.socket, "chat", (e) => e.entry.text === text);
    const stored = once(b.socket, "chatStored");
    const answer = await ask(a.socket, "chat", { text, clientId: "c-1" });
    assert.equal(answer.ok, true);
    assert.equal(answer.entry.text, text);
    assert.equal((await own).entry.clientId, "c-1");
    const { entry } = await heard;
    assert.equal(entry.clientId, undefined);
    assert.equal(entry.seq, answer.entry.seq);
    assert.ok((await stored).seq >= entry.seq);
  },

  async "order"() {
    const people = await Promise.all(["p1", "p2", "p3"].map((n) => join(`viewer:${n}`)));
    const logs = people.map(() => []);
    const all = people.map(({ socket }, i) =>
      once(socket, "chat", (e) => {
        if (e.entry.text.startsWith("urut ")) logs[i].push(`${e.entry.seq} ${e.entry.text}`);
        return logs[i].length === 90;
      }));
    for (let n = 0; n < 30; n++) people.forEach(({ socket }, i) => socket.emit("chat", { text: `urut ${i} ${n}`, clientId: `o${n}` }));
    await Promise.all(all);
    assert.deepEqual(logs[0], logs[1]);
    assert.deepEqual(logs[0], logs[2]);
  },

  async "a request that fails"() {
    const { socket } = await join("viewer:Ani");
    const answer = await ask(socket, "lock", { locked: true });
    assert.equal(answer.ok, false);
    assert.equal(answer.error.code, "notAllowed");
    // 2.x and 4.x both hand "error" events of the server to listeners.
    const said = once(socket, "error");
    socket.emit("lock", { locked: true });
    assert.equal((await said).event, "lock");
    const unknown = await ask(socket, "no such event", { a: 1 });
    assert.equal(unknown.error.code, "unknownEvent");
  },

  async "reconnect and resume"() {
    const a = await join("viewer:Ani");
    const b = await join("viewer:Budi");
    const before = await ask(b.socket, "chat", { text: "sebelum" });
    const back = once(a.socket, version === "2" ? "reconnect" : "connect");
    const lost = once(b.socket, "participantChanged", (e) => e.participant.presence === "lost");
    a.socket.io.engine.close();
    await lost;
    await ask(b.socket, "chat", { text: "meanwhile" });
    await back;
    const picture = once(a.socket, "joined");
    await ask(a.socket, "join", { session: a.picture.session, lastSeq: before.entry.seq });
    const after = await picture;
    assert.equal(after.resumed, true);
    assert.equal(after.you.id, a.picture.you.id);
    assert.deepEqual(after.chat.map((e) => e.text), ["meanwhile"]);
  },

  async "unknown namespace"() {
    const socket = connect("viewer:Ani", { path: "/admin" });
    if (version === "2") {
      const why = await once(socket, "error");
      assert.equal(why.code, "unknownNamespace");
    } else {
      const error = await once(socket, "connect_error");
      assert.equal(error.data.code, "unknownNamespace");
    }
  },

  async "message too large"() {
    const { socket } = await join("viewer:Ani");
    const said = once(socket, "error");
    const gone = once(socket, "disconnect");
    socket.emit("chat", { text: "x".repeat(3 << 20) });
    assert.equal((await said).code, "messageTooLarge");
    await gone;
  },

  async "binary refused"() {
    const { socket } = await join("viewer:Ani");
    const said = once(socket, "error");
    const gone = once(socket, "disconnect");
    socket.emit("chat", { text: Buffer.from([1, 2, 3]) });
    assert.equal((await said).code, "binaryRefused");
    await gone;
  },

  async "leave"() {
    const { socket } = await join("viewer:Pergi");
    const gone = once(socket, "disconnect");
    assert.equal((await ask(socket, "leave")).ok, true);
    assert.equal(await gone, "io server disconnect", "it would come back by itself");
  },

  async "kept alive"() {
    // The test's server pings, or is pinged, every 200 ms.
    const { socket } = await join("viewer:Ani");
    socket.on("disconnect", () => assert.fail("cut off"));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal((await ask(socket, "chat", { text: "masih" })).ok, true);
    socket.off("disconnect");
  },
};

let failed = false;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    failed = true;
    console.log(`not ok ${name}: ${String(error.stack ?? error).replaceAll("\n", " | ")}`);
  }
  for (const socket of open) {
    socket.off();
    socket.close();
  }
  open.clear();
}
console.log("done");
process.exit(failed ? 1 : 0);
