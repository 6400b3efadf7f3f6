// The small pure parts.
import { test } from "node:test";
import assert from "node:assert/strict";
import { backoff } from "./backoff.js";
import { initials, nameColour, nameColours } from "./colour.js";
import { Emitter } from "./emitter.js";
import { asFault, FaultError } from "./fault.js";
import { bitrate, clock, elapsed, Pace, size } from "./format.js";
import { fill } from "./i18n.js";
import { linkify } from "./linkify.js";
import { may } from "./permission.js";
import { createStore } from "./store.js";
import { sorted } from "./ui/people.js";

test("linkify finds addresses and leaves the rest alone", () => {
  /** @type {[string, (string | [string, string])[]][]} */
  const cases = [
    ["no address here", ["no address here"]],
    ["see https://a.example/x.", ["see ", ["https://a.example/x", "https://a.example/x"], "."]],
    ["(https://a.example/x_(y))", ["(", ["https://a.example/x_(y)", "https://a.example/x_(y)"], ")"]],
    ["www.kelas.example!", [["www.kelas.example", "https://www.kelas.example/"], "!"]],
    ["http://localhost:8080/c/1", [["http://localhost:8080/c/1", "http://localhost:8080/c/1"]]],
    ["javascript:alert(1) data:text/html,x", ["javascript:alert(1) data:text/html,x"]],
    ["<a href=\"https://a.example\">", ["<a href=\"", ["https://a.example", "https://a.example/"], "\">"]],
    ["https://", ["https://"]],
    ["HTTPS://A.EXAMPLE", [["HTTPS://A.EXAMPLE", "https://a.example/"]]],
  ];
  for (const [text, want] of cases) {
    const got = linkify(text).map((p) => (p.href ? [p.text, p.href] : p.text));
    assert.deepEqual(got, want, text);
    assert.equal(linkify(text).map((p) => p.text).join(""), text, "nothing is lost");
  }
});

test("linkify is quick on hostile text", () => {
  const started = process.hrtime.bigint();
  linkify(`https://a.example/${"(".repeat(2000)}${")".repeat(2000)}${".".repeat(2000)}`);
  linkify("www.".repeat(4000));
  assert.ok(process.hrtime.bigint() - started < 2_000_000_000n);
});

test("times", () => {
  assert.deepEqual([0, 65_000, 3_729_000, -5].map(elapsed), ["0:00", "1:05", "1:02:09", "0:00"]);
  const now = new Date(2026, 10, 22, 15, 0).getTime();
  assert.match(clock(new Date(2026, 10, 22, 9, 5).getTime(), "en", now), /^0?9:05/);
  assert.match(clock(new Date(2026, 10, 20, 9, 5).getTime(), "en", now), /20/);
});

test("sizes and rates", () => {
  assert.deepEqual([0, 999, 1500, 20_971_520, 999_999].map((n) => size(n, "en")), ["0 B", "999 B", "1.5 kB", "21 MB", "1 MB"]);
  assert.equal(size(1_500_000, "id"), "1,5 MB");
  assert.deepEqual([850_400, 1_234_000].map((n) => bitrate(n, "en")), ["850 kbit/s", "1.2 Mbit/s"]);
});

test("pace: speed and time left", () => {
  const pace = new Pace();
  pace.restart(0, 0);
  assert.equal(pace.left(100), Infinity);
  for (let s = 1; s <= 10; s++) pace.update(s * 1000, s * 1000);
  assert.equal(Math.round(pace.speed), 1000);
  assert.equal(Math.round(pace.left(20_000)), 10);
});

test("colours: the same for one person, spread over many", () => {
  assert.equal(nameColour("p1"), nameColour("p1"));
  const seen = new Array(nameColours).fill(0);
  for (let i = 0; i < 3000; i++) seen[nameColour(`participant-${i}`)]++;
  for (const n of seen) assert.ok(n > 150 && n < 350, `uneven: ${seen}`);
  assert.deepEqual(["Ibu Sari Dewi", "budi", " ", "👋 Hi"].map(initials), ["ID", "B", "", "👋H"]);
});

test("back-off doubles, stays within its bounds and is spread", () => {
  const at = (/** @type {number} */ n, /** @type {number} */ r) => backoff(n, { base: 500, max: 15_000, random: () => r });
  assert.deepEqual([at(0, 0), at(0, 1), at(3, 1), at(20, 1), at(2000, 0)], [250, 500, 4000, 15_000, 7500]);
});

test("the store tells who watches a changed key, once for many changes", async () => {
  const store = createStore({ a: 1, b: 1 });
  /** @type {number[]} */
  const seen = [];
  const stop = store.watch(["a"], ({ a }) => seen.push(a));
  store.set({ a: 2 });
  store.set({ a: 3, b: 2 });
  store.set({ b: 3 });
  await Promise.resolve();
  store.set({ a: 3, b: 4 });
  await Promise.resolve();
  stop();
  store.set({ a: 9 });
  await Promise.resolve();
  assert.deepEqual(seen, [1, 3]);
  assert.equal(store.get().a, 9);
});

test("an emitter's listener that throws does not stop the others", (t) => {
  t.mock.method(console, "error", () => {});
  const emitter = new Emitter();
  /** @type {string[]} */
  const heard = [];
  emitter.on("x", () => { throw new Error("mine"); });
  const off = emitter.on("x", (v) => heard.push(v));
  emitter.emit("x", "one");
  off();
  emitter.emit("x", "two");
  assert.deepEqual(heard, ["one"]);
});

test("faults", () => {
  assert.equal(asFault({ code: "tooFast", message: "m" }).code, "tooFast");
  assert.equal(asFault(new TypeError("x")).code, "internal");
  const fault = new FaultError("a");
  assert.equal(asFault(fault), fault);
  assert.equal(fill("{a} and {b}", { a: 1 }), "1 and {b}");
});

test("permissions follow the server's table", () => {
  assert.deepEqual([
    may("present", "presenter", "presenter"), may("present", "viewer", "presenter"), may("present", "moderator", "moderator"),
    may("remove", "viewer", "presenter"), may("remove", "moderator", "presenter"), may("remove", "viewer", "viewer"),
    may("announce", "viewer", "presenter"), may("handOver", "viewer", "moderator"),
  ], [true, true, false, false, true, false, true, true]);
});

test("the roster: presenter, moderators, then by name", () => {
  const person = (/** @type {string} */ name, /** @type {any} */ role = "viewer", presenting = false) => (
    /** @type {any} */ ({ id: name, name, role, presenting, presence: "here" })
  );
  const people = [person("siswa 10"), person("Siswa 2"), person("Mod", "moderator"), person("Sari", "presenter"), person("Zul", "viewer", true), person("ani")];
  assert.deepEqual(sorted(people, "id").map((p) => p.name), ["Zul", "Sari", "Mod", "ani", "Siswa 2", "siswa 10"]);
});
