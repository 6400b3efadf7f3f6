// Every call that the protocol has here, by the official client: what was set
// is told again, what is not there says so, and no operation of the table goes
// without a call in these tests.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKelas, kurentoClient } from './kurento-rig.mjs';

let kelas, client, dir;
console.trace = () => {}; // the client writes every error that nobody takes by callback

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kelas-calls-'));
  kelas = await startKelas(['--kurento-file-root', dir]);
  client = await kurentoClient(kelas.kurento);
});

after(async () => {
  client?.close();
  await kelas?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The error of a call, which the client shows whole to a callback alone. */
const failure = (object, method, ...args) => new Promise((resolve) => object[method](...args, (error) => resolve(error)));

const title = (name) => name[0].toUpperCase() + name.slice(1);

/** Properties of each type: the value at first, values to set, and values that are refused. */
const settings = {
  MediaPipeline: { latencyStats: [false, [true, false], []] },
  WebRtcEndpoint: {
    sendTagsInEvents: [false, [true], []],
    maxAudioRecvBandwidth: [0, [48, 0], [-1]],
    maxVideoRecvBandwidth: [0, [800, 0], [-1]],
    minVideoRecvBandwidth: [0, [50], [-1]],
    minVideoSendBandwidth: [0, [30], [-1]],
    maxVideoSendBandwidth: [0, [2000, 0], [-1]],
    iceTcp: [true, [false, true], []],
    externalIPv4: ['', ['203.0.113.5', ''], ['2001:db8::5', 'class.example.org']],
    externalIPv6: ['', ['2001:db8::5', ''], ['203.0.113.5']],
    stunServerAddress: ['', ['203.0.113.9'], ['stun.example.org']],
    stunServerPort: [3478, [13478], [0, 65536]],
    turnUrl: ['', ['user:secret@203.0.113.9:3478?transport=udp'], []],
  },
};

test('properties: what was set is told again, and what cannot be is refused', { timeout: 60000 }, async () => {
  const pipeline = await client.create('MediaPipeline');
  for (const [type, properties] of Object.entries(settings)) {
    for (const [name, [first, good, bad]] of Object.entries(properties)) {
      const object = type === 'MediaPipeline' ? pipeline : await pipeline.create(type);
      const [get, set] = [`get${title(name)}`, `set${title(name)}`];
      assert.equal(await object[get](), first, `${name} at first`);
      for (const value of good) {
        assert.equal(await failure(object, set, value), null, `${name} = ${value}`);
        assert.equal(await object[get](), value, name);
      }
      const held = await object[get]();
      for (const value of bad) {
        const error = await failure(object, set, value);
        assert.ok([40001, 40107].includes(error?.code), `${name} = ${value}: ${error?.code} ${error?.message}`);
        assert.equal(await object[get](), held, `${name} after a value that was refused`);
      }
    }
  }
  await pipeline.release();
});

test('players and recorders: their uri and state', { timeout: 60000 }, async () => {
  const pipeline = await client.create('MediaPipeline');
  const uri = `file://${dir}/lesson.webm`;
  for (const type of ['PlayerEndpoint', 'RecorderEndpoint']) {
    const endpoint = await pipeline.create(type, { uri });
    assert.equal(await endpoint.getUri(), uri);
    // The client knows its objects' ids, and so has no call for this one.
    assert.equal(await new Promise((resolve) => endpoint._invoke(undefined, 'getId', (_, id) => resolve(id))), endpoint.id);
    assert.equal(await endpoint.getState(), 'STOP');
  }
  await pipeline.release();
});

test('what needs an encoder, a debugger or sockets of its own says why it is not there', { timeout: 60000 }, async () => {
  const pipeline = await client.create('MediaPipeline');
  const endpoint = await pipeline.create('WebRtcEndpoint');
  const hub = await pipeline.create('Dispatcher');
  const caps = kurentoClient.getComplexType;
  for (const [object, operation, ...args] of [
    [endpoint, 'setAudioFormat', caps('AudioCaps')({ codec: 'OPUS', bitrate: 32000 })],
    [endpoint, 'setVideoFormat', caps('VideoCaps')({ codec: 'VP8', framerate: caps('Fraction')({ numerator: 15, denominator: 1 }) })],
    [endpoint, 'getEncoderBitrate'], [endpoint, 'setEncoderBitrate', 300000],
    [endpoint, 'getMinEncoderBitrate'], [endpoint, 'setMinEncoderBitrate', 100000],
    [endpoint, 'getMaxEncoderBitrate'], [endpoint, 'setMaxEncoderBitrate', 500000],
    [endpoint, 'dumpGstreamerDot'], [pipeline, 'dumpGstreamerDot'], [hub, 'dumpGstreamerDot'],
  ]) {
    const error = await failure(object, operation, ...args);
    assert.equal(error?.code, 40006, `${operation}: ${error?.message}`);
    assert.equal(error.data.type, 'NOT_IMPLEMENTED');
    assert.match(error.message, /server/, operation);
  }
  await pipeline.release();
});

test('no operation of the table is without a call in these tests', { timeout: 60000 }, async () => {
  const folder = dirname(fileURLToPath(import.meta.url));
  const names = (await readdir(folder)).filter((f) => /^kurento.*\.mjs$/.test(f));
  const texts = await Promise.all(names.map((f) => readFile(join(folder, f), 'utf8')));
  const called = new Set(texts.flatMap((text) => [...text.matchAll(/\.(\w+)\(|'(\w+)'/g)].map((m) => m[1] ?? m[2])));
  for (const name of Object.values(settings).flatMap((s) => Object.keys(s))) called.add(`get${title(name)}`).add(`set${title(name)}`);
  const manager = await client.getServerManager();
  const missing = [];
  let seen = 0;
  for (const module of ['core', 'elements', 'filters']) {
    for (const c of JSON.parse(await manager.getKmd(module)).remoteClasses) {
      const own = (c.properties ?? []).flatMap((p) => [`get${title(p.name)}`, ...(p.readOnly || p.final ? [] : [`set${title(p.name)}`])]);
      for (const operation of [...own, ...(c.methods ?? []).map((m) => m.name)]) {
        seen++;
        if (!called.has(operation)) missing.push(`${c.name}.${operation}`);
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(seen > 70, `${seen} operations`);
});
