import { test } from "node:test";
import assert from "node:assert/strict";
import { ChatLog } from "./chatlog.js";

const me = /** @type {any} */ ({ id: "me", name: "Me", role: "viewer" });
const ann = { id: "ann", name: "Ann", role: "viewer" };

/**
 * @param {number} seq
 * @param {string} text
 * @param {object} [more]
 * @returns {any}
 */
const entry = (seq, text, more = {}) => ({ seq, kind: "message", from: ann, text, at: seq * 1000, ...more });

/** @param {Partial<import("../types/kelas.d.ts").Joined>} [over] @returns {any} */
const joined = (over = {}) => ({ resumed: false, you: me, chat: [], chatMore: false, storedSeq: 0, ...over });

/** @param {ChatLog} log */
const texts = (log) => log.rows().map((r) => (r.entry ?? r.pending)?.text);
/** @param {ChatLog} log */
const states = (log) => log.rows().map((r) => r.state);

test("entries stand by number, however they come, and once", () => {
  const log = new ChatLog();
  log.join(joined({ chat: [entry(2, "b")], storedSeq: 2 }), 0);
  assert.equal(log.add(entry(5, "e")), true);
  assert.equal(log.add(entry(3, "c")), true);
  assert.equal(log.add(entry(3, "c")), false);
  log.addHistory([entry(1, "a"), entry(2, "b")], false);
  assert.deepEqual(texts(log), ["a", "b", "c", "e"]);
  assert.equal(log.firstSeq, 1);
});

test("an own message goes from sending over sent to stored under one key", () => {
  const log = new ChatLog();
  log.join(joined(), 0);
  log.send({ clientId: "x", kind: "message", text: "hi", at: 1 });
  const [row] = log.rows();
  assert.equal(row.state, "sending");
  log.add(entry(1, "hi", { from: me, clientId: "x" }));
  assert.deepEqual(log.rows().map((r) => [r.key, r.state, r.own]), [[row.key, "sent", true]]);
  log.markStored(1);
  assert.deepEqual(states(log), ["stored"]);
  assert.equal(log.storedSeq, 1);
});

test("own messages without a number stay last", () => {
  const log = new ChatLog();
  log.join(joined(), 0);
  log.send({ clientId: "x", kind: "message", text: "mine", at: 1 });
  log.add(entry(1, "hers"));
  assert.deepEqual(texts(log), ["hers", "mine"]);
});

test("a failed message keeps its text and can be sent again or discarded", () => {
  const log = new ChatLog();
  log.join(joined(), 0);
  log.send({ clientId: "x", kind: "private", text: "psst", to: { id: "ann", name: "Ann" }, at: 1 });
  log.fail("x", "chatTooFast");
  assert.deepEqual([log.rows()[0].state, log.rows()[0].pending?.code], ["failed", "chatTooFast"]);
  const again = log.retry("x");
  assert.deepEqual([again?.text, again?.to?.id, again?.state], ["psst", "ann", "sending"]);
  log.discard("x");
  assert.equal(log.size, 0);
  assert.equal(log.retry("x"), undefined);
});

test("a resumed session keeps everything and takes what was missed", () => {
  const log = new ChatLog();
  log.join(joined({ chat: [entry(1, "a")], storedSeq: 1 }), 0);
  log.add(entry(2, "b"));
  log.send({ clientId: "x", kind: "message", text: "on its way", at: 3 });
  const { resend, gap } = log.join(joined({ resumed: true, chat: [entry(2, "b"), entry(3, "c")], storedSeq: 3 }), 1);
  assert.deepEqual(texts(log), ["a", "b", "c", "on its way"]);
  assert.deepEqual(resend.map((p) => p.clientId), ["x"]);
  assert.equal(gap, null);
});

test("after a restart un-stored entries of others go and own ones are sent again", () => {
  const log = new ChatLog();
  log.join(joined({ chat: [entry(1, "stored")], storedSeq: 1 }), 0);
  log.add(entry(2, "hers, never stored"));
  log.add(entry(3, "mine, never stored", { from: me, clientId: "x" }));
  log.add(entry(4, "mine, stored after all", { from: me, clientId: "y" }));
  // The server has number 2 for y, which its journal had caught, and goes on.
  const { resend } = log.join(joined({ chat: [entry(2, "mine, stored after all", { from: me, clientId: "y" })], storedSeq: 2 }), 1);
  assert.deepEqual(texts(log), ["stored", "mine, stored after all", "mine, never stored"]);
  assert.deepEqual(resend.map((p) => [p.clientId, p.text]), [["x", "mine, never stored"]]);
  log.add(entry(3, "mine, never stored", { from: me, clientId: "x" }));
  assert.deepEqual(log.rows().map((r) => r.entry?.seq), [1, 2, 3]);
});

test("a failed message is not sent again by itself", () => {
  const log = new ChatLog();
  log.join(joined(), 0);
  log.send({ clientId: "x", kind: "message", text: "too long", at: 1 });
  log.fail("x", "chatTooLong");
  assert.deepEqual(log.join(joined(), 0).resend, []);
  assert.equal(log.rows()[0].state, "failed");
});

test("a longer absence says which numbers to fetch", () => {
  const log = new ChatLog();
  log.join(joined({ chat: [entry(1, "a")], storedSeq: 1 }), 0);
  const { gap } = log.join(joined({ chat: [entry(90, "z")], chatMore: true, storedSeq: 90 }), 1);
  assert.deepEqual(gap, { after: 1, before: 90 });
  assert.equal(log.more, false, "nothing is older than number 1, whatever the gap");
  log.fillGap([entry(50, "m")]);
  assert.deepEqual(texts(log), ["a", "m", "z"]);
});

test("a deletion blanks its target and is no row of its own", () => {
  const log = new ChatLog();
  log.join(joined({ chat: [entry(1, "rude"), entry(2, "fine")], storedSeq: 2 }), 0);
  log.add(entry(3, "", { kind: "deletion", target: 1 }));
  assert.deepEqual(log.rows().map((r) => [r.entry?.text, Boolean(r.entry?.deleted)]), [["", true], ["fine", false]]);
  log.add(entry(2, "", { deleted: true }));
  assert.equal(log.entry(2)?.text, "");
});

test("rows can be limited to the newest", () => {
  const log = new ChatLog();
  log.join(joined({ chat: Array.from({ length: 20 }, (_, i) => entry(i + 1, `n${i + 1}`)), storedSeq: 20 }), 0);
  log.send({ clientId: "x", kind: "message", text: "mine", at: 1 });
  assert.deepEqual(log.rows(3).map((r) => (r.entry ?? r.pending)?.text), ["n19", "n20", "mine"]);
});
