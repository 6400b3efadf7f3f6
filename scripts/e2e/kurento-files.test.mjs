// Recordings of every codec and container by the official client, played by
// Chromium itself and by a PlayerEndpoint, with Firefox at both ends too.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { grows } from './browsers.mjs';
import { serveFiles, watch, probe, decode, checkSeen } from './files.mjs';
import { openScene, heard, story, seconds } from './kurento-studio.mjs';

const scene = openScene({
  fox: true,
  prepare: async (dir) => {
    const files = await serveFiles(dir);
    return { files, servers: [files], args: ['--kurento-play-from', `127.0.0.1:${files.port}`] };
  },
});
const { step, person } = scene;


/** A file of some seconds goes through a PlayerEndpoint to a viewer, to its end. */
async function playTo(t, studio, uri, browser = scene.chrome) {
  const viewer = await person(t, studio, `viewer of ${uri}`, browser);
  const endpoint = await studio.join(viewer, 'recvonly');
  const player = await studio.player(uri);
  await player.connect(endpoint);
  await player.play();
  await grows(`picture of ${uri}`, () => viewer.frames());
  await grows(`sound of ${uri}`, () => viewer.sound());
  await heard(player, 'the end of the stream', (e) => e.name === 'EndOfStream');
  assert.deepEqual(story(player), ['START', 'STOP', 'EndOfStream']);
}

for (const [codec, name, profiles] of [['H264', 'h264', ['MP4', 'MKV']], ['VP9', 'vp9', ['MKV', 'WEBM']], ['AV1', 'av1', ['MP4', 'WEBM']]]) {
  step(`${codec} of Chromium as ${profiles.join(' and ')}`, async (t, studio) => {
    const me = await person(t, studio, 'me');
    const camera = await studio.join(me, 'sendonly', { codec });
    const recorders = [];
    for (const p of profiles) {
      const r = await studio.recorder(`file://${scene.dir}/${name}.${p.toLowerCase()}`, p);
      await camera.connect(r);
      recorders.push(r);
    }
    // Kurento's documentation: record when both kinds flow in.
    for (const r of recorders) {
      for (const kind of ['AUDIO', 'VIDEO']) await heard(r, `${kind} flows in`, (e) => e.state === 'FLOWING' && e.mediaType === kind);
      await r.record();
    }
    for (const r of recorders) await heard(r, 'it records', (e) => e.name === 'Recording');
    await seconds(3);
    for (const r of recorders) {
      await r.stopAndWait();
      assert.deepEqual(story(r), ['START', 'Recording', 'STOP', 'Stopped']);
    }
    await me.hangUp();
    for (const p of profiles) {
      const file = `${name}.${p.toLowerCase()}`;
      const seen = await probe(join(scene.dir, file));
      assert.deepEqual([seen.video, seen.audio], [name, 'opus'], file);
      assert.ok(seen.seconds > 2.5 && seen.seconds < 30, `${file}: ${seen.seconds} s`);
      assert.ok(await decode(join(scene.dir, file)) > 20, file);
      const places = [seen.seconds / 2, 0.5];
      checkSeen(await watch(t, scene.chrome, scene.files, file, places), seen.seconds, places);
    }
    const [disk, web] = profiles.map((p) => `${name}.${p.toLowerCase()}`);
    await Promise.all([playTo(t, studio, `file://${scene.dir}/${disk}`), playTo(t, studio, `${scene.files.url}/${web}`)]);
  });
}

step('Firefox presents, is recorded and sees it again', async (t, studio) => {
  const me = await person(t, studio, 'fox', scene.fox);
  const camera = await studio.join(me, 'sendonly');
  const r = await studio.recorder(`file://${scene.dir}/fox.webm`, 'WEBM');
  await camera.connect(r);
  await r.record();
  await heard(r, 'it records', (e) => e.name === 'Recording');
  await seconds(4);
  await r.stopAndWait();
  await me.hangUp();
  const seen = await probe(join(scene.dir, 'fox.webm'));
  assert.deepEqual([seen.video, seen.audio], ['vp8', 'opus']);
  assert.ok(await decode(join(scene.dir, 'fox.webm')) > 20);
  checkSeen(await watch(t, scene.chrome, scene.files, 'fox.webm', [1]), seen.seconds, [1]);
  await playTo(t, studio, `file://${scene.dir}/fox.webm`, scene.fox);
});

step('a codec that does not go into the file is told, and the sound is recorded', async (t, studio) => {
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly', { codec: 'H264' });
  const r = await studio.recorder(`file://${scene.dir}/wrong.webm`, 'WEBM');
  await camera.connect(r);
  await heard(r, 'pictures flow in', (e) => e.state === 'FLOWING' && e.mediaType === 'VIDEO');
  await r.record();
  const e = await heard(r, 'the error', (e) => e.name === 'Error');
  assert.match(e.description, /H264 in WebM/i);
  await heard(r, 'the sound is recorded', (e) => e.name === 'Recording');
  await seconds(1);
  await r.stopAndWait();
  assert.deepEqual((await probe(join(scene.dir, 'wrong.webm'))).kinds, ['audio']);
  assert.ok((await stat(join(scene.dir, 'wrong.webm'))).size > 0);
});
