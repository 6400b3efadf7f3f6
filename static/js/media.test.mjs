import { test } from "node:test";
import assert from "node:assert/strict";
import { wantedCodecs } from "./media.js";
import { answered, bars, readFigures, triedWays } from "./media_figures.js";
import { AnswerWatch, RestartPolicy, SilenceWatch } from "./media_policy.js";

test("restart policy: at once, then with growing pauses, then anew", () => {
  const policy = new RestartPolicy({ random: () => 1 });
  let now = 0;
  const steps = [];
  for (let i = 0; i < 7; i++) {
    const { action, wait } = policy.next(now);
    steps.push([action, wait]);
    now += wait + 8000;
  }
  assert.deepEqual(steps, [
    ["restart", 0], ["restart", 1000], ["rebuild", 2000], ["restart", 4000], ["rebuild", 8000], ["restart", 16_000], ["rebuild", 20_000],
  ]);
  assert.equal(policy.hopeless(now), true);
});

test("restart policy: never two restarts in one second", () => {
  const policy = new RestartPolicy({ random: () => 0 });
  assert.equal(policy.next(100).wait, 0);
  policy.connected(150);
  assert.ok(policy.next(200).wait >= 500);
});

test("restart policy: a connection that held forgives, one that flaps does not", () => {
  const policy = new RestartPolicy({ random: () => 1 });
  policy.next(0);
  policy.next(2000);
  policy.connected(4000);
  assert.equal(policy.next(6000).action, "rebuild", "it held for two seconds only");
  policy.connected(10_000);
  assert.deepEqual(policy.next(30_000), { action: "restart", wait: 0 });
  assert.equal(policy.hopeless(60_000), false);
  policy.next(32_000);
  assert.deepEqual([policy.hopeless(39_000), policy.hopeless(41_000)], [false, true]);
});

test("silence: all live slots silent for three seconds", () => {
  const watch = new SilenceWatch(3000);
  const at = (/** @type {number} */ now, /** @type {number} */ mic, /** @type {number} */ camera, live = true) => watch.update([
    { slot: "mic", live, packets: mic }, { slot: "camera", live, packets: camera }, { slot: "screen", live: false, packets: 0 },
  ], now);
  assert.equal(at(0, 0, 0), false);
  assert.equal(at(2000, 10, 10), false);
  assert.equal(at(4900, 10, 10), false);
  assert.equal(at(5000, 10, 10), true);
  watch.reset();
  assert.equal(at(5100, 10, 10), false);
  assert.equal(at(9000, 20, 10), false, "sound still comes: not the line");
  assert.equal(at(13_000, 20, 10, false), false, "nothing is live");
  assert.equal(at(13_100, 20, 10), false, "counted anew once it is live again");
});

test("figures: rate, loss, delay, pictures and the way", () => {
  const report = (/** @type {number} */ at, /** @type {number} */ bytes, /** @type {number} */ packets, /** @type {number} */ lost) => [
    { id: "T", type: "transport", selectedCandidatePairId: "P" },
    { id: "P", type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R", currentRoundTripTime: 0.042 },
    { id: "L", type: "local-candidate", candidateType: "prflx", protocol: "udp" },
    { id: "R", type: "remote-candidate", candidateType: "host", protocol: "udp" },
    { id: "V", type: "inbound-rtp", kind: "video", mid: "2", timestamp: at, bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, frameWidth: 1280, frameHeight: 720, framesPerSecond: 24.6 },
    { id: "A", type: "inbound-rtp", kind: "audio", mid: "0", timestamp: at, bytesReceived: 0, packetsReceived: 0 },
  ];
  const first = readFigures(report(1000, 100_000, 100, 0), "in", () => "screen", null);
  assert.equal(first.figures.bitrate, 0);
  const { figures } = readFigures(report(3000, 350_000, 190, 10), "in", () => "screen", first.totals);
  assert.deepEqual(figures, {
    bitrate: 1_000_000, loss: 0.1, rtt: 42, path: "udp", local: "prflx", remote: "host",
    pictures: [{ width: 1280, height: 720, fps: 25, slot: "screen" }],
  });
});

test("figures: a new connection counts from zero", () => {
  const { figures } = readFigures(
    [{ id: "V", type: "inbound-rtp", kind: "video", timestamp: 2000, bytesReceived: 5, packetsReceived: 1, packetsLost: 0 }],
    "in", () => "", { bytes: 1e9, packets: 1e6, lost: 5, at: 1000 },
  );
  assert.deepEqual([figures.bitrate, figures.loss, figures.path, figures.rtt], [0, 0, "", -1]);
});

test("answers: what a sending page sends is no longer answered", () => {
  const watch = new AnswerWatch(3000);
  const at = (/** @type {number} */ now, /** @type {number} */ sent, /** @type {number} */ received) => watch.update({ sent, received }, now);
  assert.equal(at(0, 10, 100), false);
  assert.equal(at(2900, 20, 100), false);
  assert.equal(at(3000, 30, 100), true);
  watch.reset();
  assert.equal(at(3100, 40, 100), false);
  assert.equal(at(7000, 50, 200), false, "an answer");
  assert.equal(at(11_000, 50, 200), false, "nothing was sent");
  assert.equal(at(12_000, 60, 200), false, "counted from when sending began again");

  const pair = { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", bytesReceived: 7 };
  assert.deepEqual(answered([pair, { type: "outbound-rtp", packetsSent: 3 }, { type: "outbound-rtp", packetsSent: 4 }]), { sent: 7, received: 7 });
  assert.equal(answered([{ ...pair, bytesReceived: undefined }]), null);
  assert.equal(answered([]), null);
});

test("bars and what was tried", () => {
  assert.deepEqual([[0, 40], [0.03, 40], [0.1, 40], [0.3, 40], [0, 300], [0, -1]].map(([loss, rtt]) => bars({ loss, rtt })), [4, 3, 2, 1, 3, 4]);
  const line = (/** @type {string} */ protocol, /** @type {string} */ type) => `a=candidate:1 1 ${protocol} 2130706431 10.0.0.1 8189 typ ${type}\r\n`;
  const server = `v=0\r\n${line("UDP", "host")}${line("tcp", "host")}`;
  const own = line("udp", "host");
  const turn = [{ urls: ["turn:10.0.0.1:3478?transport=udp", "turn:10.0.0.1:3478?transport=tcp"] }, { urls: "stun:10.0.0.2" }];
  assert.deepEqual(triedWays(`v=0\r\n${own}`, server, []), { ways: ["UDP 10.0.0.1:8189", "TCP 10.0.0.1:8189"], turn: false });
  assert.deepEqual(triedWays(`v=0\r\n${own}`, server, turn).ways, ["UDP 10.0.0.1:8189", "TCP 10.0.0.1:8189", "TURN 10.0.0.1:3478"]);
  assert.deepEqual(triedWays(`v=0\r\n${line("udp", "relay")}`, server, turn), { ways: ["TURN 10.0.0.1:3478"], turn: true });
  assert.deepEqual(triedWays("", server, []), { ways: [], turn: false });
  assert.deepEqual(triedWays(own, "a=candidate:1 1 udp 1 2001:db8::1 8189 typ host\r\n", []).ways, ["UDP [2001:db8::1]:8189"]);
});

test("codecs: VP8 first, repair kept, what nobody sends left out", () => {
  const codec = (/** @type {string} */ mimeType, sdpFmtpLine = "") => ({ mimeType, clockRate: 90_000, sdpFmtpLine });
  const video = [
    codec("video/AV1"), codec("video/AV1", "level-idx=5;profile=1;tier=0"), codec("video/H264", "packetization-mode=1;profile-level-id=42e01f"), codec("video/H264", "profile-level-id=f4001f"),
    codec("video/VP9", "profile-id=2"), codec("video/VP9", "profile-id=0"), codec("video/red"), codec("video/rtx"), codec("video/ulpfec"), codec("video/VP8"),
  ];
  assert.deepEqual(
    wantedCodecs("video", { codecs: video, headerExtensions: [] }).map((c) => c.mimeType),
    ["video/VP8", "video/VP9", "video/H264", "video/AV1", "video/rtx"],
  );
  assert.deepEqual(wantedCodecs("audio", { codecs: [codec("audio/opus"), codec("audio/PCMU")], headerExtensions: [] }).map((c) => c.mimeType), ["audio/opus"]);
  assert.deepEqual(wantedCodecs("video", null), []);
});
