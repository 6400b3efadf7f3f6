// Recordings in a browser: the length is right, it can be sought in, pictures
// and sound play, also of a file that was cut in the middle.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, open, grows } from './browsers.mjs';
import { startKelas, servePage, Person } from './kurento-rig.mjs';
import { Recording } from './kurento-media-apps.mjs';

let kelas, chrome, site, files, dir;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kelas-record-'));
  kelas = await startKelas(['--kurento-file-root', dir]);
  chrome = await chromium();
  site = await servePage();
  files = await serveFiles(dir);
});

after(async () => {
  await chrome?.close();
  site?.close();
  files?.close();
  await kelas?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Serves a folder with ranges, and a page with a video element at /. */
async function serveFiles(folder) {
  const http = createServer(async (req, res) => {
    if (req.url === '/') return res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>play</title><video muted></video>');
    const path = join(folder, basename(req.url));
    const { size } = await stat(path).catch(() => ({ size: -1 }));
    if (size < 0) return res.writeHead(404).end();
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = to ? Math.min(Number(to), size - 1) : size - 1;
    if (start >= size) return res.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    res.writeHead(from === undefined ? 200 : 206, {
      'accept-ranges': 'bytes', 'content-length': end - start + 1,
      ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    const body = createReadStream(path, { start, end }).pipe(res);
    res.on('close', () => body.destroy());
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `http://127.0.0.1:${http.address().port}`, close: () => http.close() };
}

/** Opens a file in a video element, seeks, plays to the end, and tells what it saw. */
async function watch(t, name, seconds) {
  const page = await open(chrome, `${files.url}/`);
  t.after(() => page.browserContext().close());
  return page.evaluate(async (src, seconds) => {
    const video = document.querySelector('video');
    const happens = (what) => new Promise((resolve, reject) => {
      video.addEventListener(what, resolve, { once: true });
      video.addEventListener('error', () => reject(new Error(`${what}: ${video.error?.message}`)), { once: true });
    });
    const ready = happens('loadeddata');
    video.src = src;
    await ready;
    const seen = { duration: video.duration, width: video.videoWidth, seekable: video.seekable.length && video.seekable.end(0), shown: [] };
    for (const to of seconds) {
      const done = happens('seeked');
      const shown = new Promise((resolve) => video.requestVideoFrameCallback((_, m) => resolve(m.mediaTime)));
      video.currentTime = to;
      await done;
      seen.shown.push(await shown);
    }
    const from = video.currentTime;
    const ended = happens('ended');
    video.playbackRate = 2;
    await video.play();
    await ended;
    const { totalVideoFrames } = video.getVideoPlaybackQuality();
    return { ...seen, from, end: video.currentTime, frames: totalVideoFrames, sound: video.webkitAudioDecodedByteCount };
  }, `/${name}`, seconds);
}

async function length(path) {
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-of', 'csv=p=0', '-show_entries', 'format=duration', path]);
  return Number(stdout);
}

function check(seen, seconds, places) {
  assert.ok(Math.abs(seen.duration - seconds) < 0.1, `lasts ${seen.duration}, ffprobe says ${seconds}`);
  assert.ok(Math.abs(seen.seekable - seconds) < 0.1, `seekable to ${seen.seekable}`);
  assert.ok(Math.abs(seen.end - seconds) < 0.3, `ended at ${seen.end}`);
  for (const [i, to] of places.entries()) assert.ok(Math.abs(seen.shown[i] - to) < 0.3, `shows ${seen.shown[i]} after going to ${to}`);
  assert.ok(seen.frames > 10 && seen.sound > 1000, `${seen.frames} pictures, ${seen.sound} bytes of sound`);
}

test("a browser's call as WebM, whole and cut", { timeout: 180000 }, async (t) => {
  const path = join(dir, 'call.webm');
  const app = new Recording(kelas.kurento, `file://${path}`);
  const me = await Person.open(chrome, site.url, 'me', app);
  t.after(async () => {
    await me.close();
    app.close();
  });
  await me.ask({ id: 'start', mode: 'video-and-audio' }, 'startResponse', 'sendrecv');
  await me.heard((m) => m.id === 'recording');
  await grows('own picture', () => me.frames(), 60);
  const crash = await readFile(path); // as a crash at this moment leaves it
  await app.message(me, { id: 'stop' });
  await me.hangUp();
  const seconds = await length(path);
  assert.ok(seconds > 3, `${seconds} s`);
  const places = [seconds / 2, 1, seconds - 0.5];
  check(await watch(t, 'call.webm', places), seconds, places);
  assert.ok(crash.length > 0);
  await writeFile(join(dir, 'crash.webm'), crash);
  const seen = await watch(t, 'crash.webm', [0.5]);
  assert.ok(seen.frames > 10 && seen.end > 1, `of a cut file ${seen.frames} pictures to ${seen.end} s`);
  assert.deepEqual(me.messages.filter((m) => m.id === 'error'), []);
});

test('H264 as MP4', { timeout: 180000 }, async (t) => {
  const from = join(dir, 'made.mp4');
  const path = join(dir, 'again.mp4');
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000',
    '-t', '6', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-g', '15', '-ac', '2', '-c:a', 'libopus', from]);
  const app = new Recording(kelas.kurento, '');
  t.after(() => app.close());
  const pipeline = await (await app.connection()).create('MediaPipeline');
  const player = await pipeline.create('PlayerEndpoint', { uri: `file://${from}` });
  const recorder = await pipeline.create('RecorderEndpoint', { uri: `file://${path}`, mediaProfile: 'MP4', stopOnEndOfStream: true });
  const stopped = new Promise((resolve) => recorder.on('Stopped', resolve));
  await player.connect(recorder);
  await recorder.record();
  await player.play();
  await stopped;
  await pipeline.release();
  const seconds = await length(path);
  assert.ok(Math.abs(seconds - 6) < 0.3, `${seconds} s`);
  check(await watch(t, 'again.mp4', [4, 1.5]), seconds, [4, 1.5]);
});
