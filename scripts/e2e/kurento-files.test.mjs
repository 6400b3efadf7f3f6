// Recordings of every codec and container by the official client, played by
// Chromium itself and by a PlayerEndpoint, with Firefox at both ends too.
import { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, firefox, grows, until } from './browsers.mjs';
import { serveFiles, watch, probe, decode, checkSeen } from './files.mjs';
import { startKelas, servePage, Person } from './kurento-rig.mjs';
import { studioSteps } from './kurento-studio.mjs';

let kelas, chrome, fox, site, files, dir;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kelas-files-'));
  files = await serveFiles(dir);
  kelas = await startKelas(['--kurento-file-root', dir, '--kurento-play-from', `127.0.0.1:${files.port}`]);
  [chrome, fox] = await Promise.all([chromium(), firefox()]);
  site = await servePage();
});

after(async () => {
  await chrome?.close();
  await fox?.close();
  site?.close();
  files?.close();
  await kelas?.stop();
  await rm(dir, { recursive: true, force: true });
});

const step = studioSteps(() => kelas);

async function person(t, studio, name, browser = chrome) {
  const p = await Person.open(browser, site.url, name, studio);
  t.after(() => p.close());
  return p;
}

const heard = (element, what, match) => until(what, () => element.told.find(match), 60000);
const errors = (element) => element.told.filter((e) => e.name === 'Error');

/** A file of some seconds goes through a PlayerEndpoint to a viewer, to its end. */
async function playTo(t, studio, uri, browser = chrome) {
  const viewer = await person(t, studio, `viewer of ${uri}`, browser);
  const endpoint = await studio.join(viewer, 'recvonly');
  const player = await studio.player(uri);
  await player.connect(endpoint);
  await player.play();
  await grows(`picture of ${uri}`, () => viewer.frames());
  await grows(`sound of ${uri}`, () => viewer.sound());
  await heard(player, 'the end of the stream', (e) => e.name === 'EndOfStream');
  assert.deepEqual(errors(player), []);
  assert.deepEqual(player.told.filter((e) => e.name !== 'MediaFlowOutStateChanged').map((e) => e.state ?? e.name), ['START', 'STOP', 'EndOfStream']);
}

for (const [codec, name, profiles] of [['H264', 'h264', ['MP4', 'MKV']], ['VP9', 'vp9', ['MKV', 'WEBM']], ['AV1', 'av1', ['MP4', 'WEBM']]]) {
  step(`${codec} of Chromium as ${profiles.join(' and ')}`, async (t, studio) => {
    const me = await person(t, studio, 'me');
    const camera = await studio.join(me, 'sendonly', { codec });
    const recorders = [];
    for (const p of profiles) {
      const r = await studio.recorder(`file://${dir}/${name}.${p.toLowerCase()}`, p);
      await camera.connect(r);
      recorders.push(r);
    }
    // Kurento's documentation: record when both kinds flow in.
    for (const r of recorders) {
      for (const kind of ['AUDIO', 'VIDEO']) await heard(r, `${kind} flows in`, (e) => e.state === 'FLOWING' && e.mediaType === kind);
      await r.record();
    }
    for (const r of recorders) await heard(r, 'it records', (e) => e.name === 'Recording');
    await new Promise((r) => setTimeout(r, 4000)); // what is recorded takes its time
    for (const r of recorders) {
      await r.stopAndWait();
      assert.deepEqual(r.told.filter((e) => e.name !== 'MediaFlowInStateChanged').map((e) => e.name === 'UriEndpointStateChanged' ? e.state : e.name), ['START', 'Recording', 'STOP', 'Stopped']);
    }
    await me.hangUp();
    for (const p of profiles) {
      const file = `${name}.${p.toLowerCase()}`;
      const seen = await probe(join(dir, file));
      assert.deepEqual([seen.video, seen.audio], [name, 'opus'], file);
      assert.ok(seen.seconds > 3 && seen.seconds < 30, `${file}: ${seen.seconds} s`);
      assert.ok(await decode(join(dir, file)) > 20, file);
      const places = [seen.seconds / 2, 0.5];
      checkSeen(await watch(t, chrome, files, file, places), seen.seconds, places);
    }
    await playTo(t, studio, `file://${dir}/${name}.${profiles[0].toLowerCase()}`);
    await playTo(t, studio, `${files.url}/${name}.${profiles[1].toLowerCase()}`);
  });
}

step('Firefox presents, is recorded and sees it again', async (t, studio) => {
  const me = await person(t, studio, 'fox', fox);
  const camera = await studio.join(me, 'sendonly');
  const r = await studio.recorder(`file://${dir}/fox.webm`, 'WEBM');
  await camera.connect(r);
  await r.record();
  await heard(r, 'it records', (e) => e.name === 'Recording');
  await new Promise((r) => setTimeout(r, 4000));
  await r.stopAndWait();
  await me.hangUp();
  const seen = await probe(join(dir, 'fox.webm'));
  assert.deepEqual([seen.video, seen.audio], ['vp8', 'opus']);
  assert.ok(await decode(join(dir, 'fox.webm')) > 20);
  checkSeen(await watch(t, chrome, files, 'fox.webm', [1]), seen.seconds, [1]);
  await playTo(t, studio, `file://${dir}/fox.webm`, fox);
});

step('a codec that does not go into the file is told, and the sound is recorded', async (t, studio) => {
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly', { codec: 'H264' });
  const r = await studio.recorder(`file://${dir}/wrong.webm`, 'WEBM');
  await camera.connect(r);
  await heard(r, 'pictures flow in', (e) => e.state === 'FLOWING' && e.mediaType === 'VIDEO');
  await r.record();
  const e = await heard(r, 'the error', (e) => e.name === 'Error');
  assert.match(e.description, /H264 in WebM/i);
  await heard(r, 'the sound is recorded', (e) => e.name === 'Recording');
  await new Promise((r) => setTimeout(r, 1000));
  await r.stopAndWait();
  assert.deepEqual((await probe(join(dir, 'wrong.webm'))).kinds, ['audio']);
  assert.ok((await stat(join(dir, 'wrong.webm'))).size > 0);
});
