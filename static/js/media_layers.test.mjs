import { test } from "node:test";
import assert from "node:assert/strict";
import { applyWanted, contentHints, encodingsFor } from "./media_layers.js";
import { RepairWatch } from "./media_policy.js";

const parameters = () => /** @type {any} */ ({ encodings: encodingsFor("camera")[0].map((e) => ({ ...e, active: true })) });
const active = (/** @type {any} */ p) => p.encodings.filter((/** @type {any} */ e) => e.active !== false).map((/** @type {any} */ e) => e.rid);

test("encodings: the camera in three layers, the lowest first, the screen in its full size", () => {
  const [camera, plain, one] = encodingsFor("camera");
  assert.deepEqual(camera.map((e) => e.rid), ["q", "h", "f"]);
  assert.deepEqual(camera.map((e) => e.scaleResolutionDownBy), [4, 2, 1]);
  assert.ok(camera.every((e) => e.scalabilityMode === "L1T3"));
  assert.ok(plain.every((e) => !("scalabilityMode" in e)) && plain.length === 3);
  assert.deepEqual(Object.keys(one[0]), ["maxBitrate"]);
  const [screen] = encodingsFor("screen");
  assert.equal(screen.length, 1);
  assert.ok(!("scaleResolutionDownBy" in screen[0]));
  assert.deepEqual([contentHints.camera, contentHints.screen], ["motion", "detail"]);
});

test("encodings: those asked for are not shared", () => {
  encodingsFor("camera")[0][0].maxBitrate = 1;
  assert.equal(encodingsFor("camera")[0][0].maxBitrate, 150_000);
});

test("wanted layers: off and on, and nothing to do when it is so already", () => {
  const p = parameters();
  assert.equal(applyWanted(p, "camera", ["q"]), true);
  assert.deepEqual(active(p), ["q"]);
  assert.equal(p.degradationPreference, "maintain-framerate");
  assert.equal(applyWanted(p, "camera", ["q"]), false);
  assert.equal(applyWanted(p, "camera", ["q", "h", "f"]), true);
  assert.deepEqual(active(p), ["q", "h", "f"]);
  assert.equal(applyWanted(p, "camera", undefined), false);
});

test("wanted layers: never none at all", () => {
  const p = parameters();
  applyWanted(p, "camera", ["x"]);
  assert.deepEqual(active(p), ["q"]);
  const single = /** @type {any} */ ({ encodings: [{ active: true }] });
  applyWanted(single, "screen", []);
  assert.equal(single.encodings[0].active, true, "what has no name cannot be unwanted");
  assert.equal(single.degradationPreference, "maintain-resolution");
});

test("repair: pictures are held while packets are asked for again, and for a while after", () => {
  const watch = new RepairWatch();
  let now = 0;
  let packets = 0;
  let asked = 0;
  const step = (/** @type {number} */ lost) => {
    now += 1000;
    packets += 100;
    asked += lost;
    return watch.update({ packets, asked }, now);
  };
  assert.equal(step(0), false);
  assert.equal(step(1), false, "one of a hundred is nothing");
  assert.equal(step(5), true);
  for (let i = 0; i < 19; i++) assert.equal(step(0), true);
  assert.equal(step(0), false);
  packets = asked = 0;
  assert.equal(step(50), false, "counters of a new connection begin anew");
  assert.equal(step(50), true);
});
