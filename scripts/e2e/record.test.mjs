// Recordings in a browser: the length is right, it can be sought in, pictures
// and sound play, also of a file that was cut in the middle.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, grows } from './browsers.mjs';
import { serveFiles, watch, probe, checkSeen } from './files.mjs';
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

const length = async (path) => (await probe(path)).seconds;

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
  checkSeen(await watch(t, chrome, files, 'call.webm', places), seconds, places);
  assert.ok(crash.length > 0);
  await writeFile(join(dir, 'crash.webm'), crash);
  const seen = await watch(t, chrome, files, 'crash.webm', [0.5]);
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
  checkSeen(await watch(t, chrome, files, 'again.mp4', [4, 1.5]), seconds, [4, 1.5]);
});
