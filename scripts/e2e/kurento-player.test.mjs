// Players by the official client: states and their order, places, files over
// HTTP with and without ranges, and a camera.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { grows, until } from './browsers.mjs';
import { serveFiles, probe, decode } from './files.mjs';
import { Camera } from './camera.mjs';
import { openScene, heard, story, seconds } from './kurento-studio.mjs';

const scene = openScene({
  prepare: async (dir) => {
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
      '-t', '8', '-c:v', 'libvpx', '-g', '15', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', join(dir, 'eight.webm')]);
    const [ranges, plain] = [await serveFiles(dir), await serveFiles(dir, { plain: true })];
    return { ranges, plain, servers: [ranges, plain], args: ['--kurento-play-from', '127.0.0.1'] };
  },
});
const { step, person } = scene;

async function viewer(t, studio, source) {
  const p = await person(t, studio, 'viewer');
  await source.connect(await studio.join(p, 'recvonly'));
  return p;
}

// Without a callback the client swallows the error of a call.
const setPosition = (player, ms) => new Promise((resolve, reject) => player.setPosition(ms, (e) => (e ? reject(e) : resolve())));

step('a file from disk: what comes before play, the end, and again from the start', async (t, studio) => {
  const uri = `file://${scene.dir}/eight.webm`;
  const player = await studio.player(uri);
  assert.equal(await player.getUri(), uri);
  assert.equal(await player.getState(), 'STOP');
  assert.deepEqual({ ...await player.getVideoInfo() }, { ...await player.getVideoInfo(), isSeekable: false, duration: 0 });
  assert.equal(await player.getPosition(), 0);
  await assert.rejects(setPosition(player, 1000), { code: 40700 });
  await player.pause(); // nothing to hold
  await player.stop();
  assert.deepEqual(story(player), []);
  const eyes = await viewer(t, studio, player);
  await player.play();
  await player.play(); // once is enough
  await grows('picture', () => eyes.frames());
  const info = await player.getVideoInfo();
  assert.equal(info.isSeekable, true);
  assert.ok(Math.abs(info.duration - 8000) < 100 && info.seekableInit === 0 && info.seekableEnd === info.duration, JSON.stringify(info));
  for (const wrong of [-1, 2 ** 53]) await assert.rejects(setPosition(player, wrong), { code: 40700 });
  await setPosition(player, 6000);
  assert.ok(await player.getPosition() >= 6000);
  await player.stop();
  await until('it stopped', () => story(player).at(-1) === 'STOP');
  assert.equal(await player.getPosition(), 0);
  await player.play();
  await grows('picture from the start', () => eyes.frames());
  assert.ok(await player.getPosition() < 6000, 'it began anew');
  await setPosition(player, 60000); // behind the end: the last key frame, and then the end
  await heard(player, 'the end', (e) => e.name === 'EndOfStream');
  await player.play();
  await grows('picture after the end', () => eyes.frames());
  assert.deepEqual(story(player), ['START', 'STOP', 'START', 'STOP', 'EndOfStream', 'START']);
  // A uri without a scheme begins in the folder.
  const relative = await studio.player('eight.webm');
  await relative.play();
  assert.ok((await relative.getVideoInfo()).duration > 7900);
});

for (const [name, seekable] of [['with', true], ['without', false]]) {
  step(`a file over HTTP ${name} ranges`, async (t, studio) => {
    const player = await studio.player(`${(seekable ? scene.ranges : scene.plain).url}/eight.webm`, { networkCache: 500 });
    const eyes = await viewer(t, studio, player);
    await player.play();
    await grows('picture', () => eyes.frames());
    await grows('sound', () => eyes.sound());
    assert.equal((await player.getVideoInfo()).isSeekable, seekable);
    if (seekable) await setPosition(player, 3000);
    else await assert.rejects(setPosition(player, 3000), { code: 40700 });
    await player.pause();
    const held = await until('what is under way has arrived', async () => {
      const n = await eyes.frames();
      await seconds(1);
      return n === await eyes.frames() && n;
    });
    const at = await player.getPosition();
    await seconds(1);
    assert.deepEqual([await eyes.frames(), await player.getPosition(), story(player)], [held, at, ['START', 'PAUSE']]);
    await player.play();
    await heard(player, 'the end', (e) => e.name === 'EndOfStream');
    assert.deepEqual(story(player), ['START', 'PAUSE', 'START', 'STOP', 'EndOfStream']);
  });
}

step('a camera: seen, recorded, lost, and there again', async (t, studio) => {
  let camera = await Camera.open();
  t.after(() => camera.close());
  const player = await studio.player(camera.url, { useEncodedMedia: true });
  const eyes = await viewer(t, studio, player);
  const recorder = await studio.recorder(`file://${scene.dir}/camera.mkv`, 'MKV_VIDEO_ONLY');
  await player.connect(recorder);
  await recorder.record();
  await player.play();
  await grows('picture', () => eyes.frames());
  await grows('sound', () => eyes.sound());
  assert.equal((await player.getVideoInfo()).isSeekable, false);
  await assert.rejects(setPosition(player, 1000), { code: 40700 });
  await camera.close();
  await heard(player, 'nothing flows', (e) => e.state === 'NOT_FLOWING' && e.mediaType === 'VIDEO');
  camera = await Camera.open(camera.port);
  await grows('picture of the camera that came back', () => eyes.frames());
  await recorder.stopAndWait();
  await player.stop();
  await until('it stopped', () => story(player).at(-1) === 'STOP');
  assert.deepEqual(story(player), ['START', 'STOP']);
  assert.equal((await probe(join(scene.dir, 'camera.mkv'))).video, 'h264');
  assert.ok(await decode(join(scene.dir, 'camera.mkv')) > 20);
  assert.ok(camera.asked.includes('PLAY'));
});

step('a camera that is not there is told of', async (t, studio) => {
  const player = await studio.player('rtsp://127.0.0.1:9/camera');
  await player.play();
  const e = await heard(player, 'an error', (e) => e.name === 'Error');
  assert.equal(e.type, 'RESOURCE_ERROR_OPEN');
  assert.equal(await player.getState(), 'STOP');
  await assert.rejects(studio.player('rtsp://192.0.2.1/camera'), { code: 40107 });
  await assert.rejects(studio.player('ftp://127.0.0.1/a.webm'), { code: 40107 });
});
