// Recorders in trouble, by the official client: nothing comes, or one kind
// late, the source changes or grows, the disk is full, the server is killed.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './browsers.mjs';
import { serveFiles, watch, probe, decode, packets } from './files.mjs';
import { startKelas } from './kurento-rig.mjs';
import { Studio, openScene, heard, story, seconds } from './kurento-studio.mjs';

const scene = openScene({
  prepare: async (dir) => {
    const files = await serveFiles(dir);
    return { files, servers: [files] };
  },
});
const { step, person } = scene;

const isRecording = (r) => heard(r, 'it records', (e) => e.name === 'Recording');
const uri = (name) => `file://${scene.dir}/${name}`;

step('record, pause, record, stop, and record again', async (t, studio) => {
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly');
  const r = await studio.recorder(uri('twice.webm'), 'WEBM');
  await camera.connect(r);
  await r.record();
  await isRecording(r);
  await seconds(2);
  await r.pause();
  await heard(r, 'it pauses', (e) => e.name === 'Paused');
  assert.equal(await r.getState(), 'PAUSE');
  await seconds(4);
  await r.record();
  await until('it records again', () => story(r).filter((e) => e === 'Recording').length === 2);
  await seconds(2);
  await r.stopAndWait();
  assert.deepEqual(story(r), ['START', 'Recording', 'PAUSE', 'Paused', 'START', 'Recording', 'STOP', 'Stopped']);
  const first = await probe(join(scene.dir, 'twice.webm'));
  assert.ok(first.seconds > 3.5 && first.seconds < 7, `the pause is not in the file: ${first.seconds} s`);
  r.told.length = 0;
  await r.record();
  await isRecording(r);
  await seconds(1);
  await r.stop();
  await heard(r, 'it is whole', (e) => e.name === 'Stopped');
  assert.ok((await probe(join(scene.dir, 'twice-2.webm'))).seconds < 3.5);
  assert.deepEqual(await probe(join(scene.dir, 'twice.webm')), first);
  await decode(join(scene.dir, 'twice.webm'));
});

step('no media make no file, no folder makes an error, and a folder that is made in time a recording', async (t, studio) => {
  const none = await studio.recorder(uri('none.webm'), 'WEBM');
  await none.record();
  await seconds(1);
  await none.stopAndWait();
  assert.deepEqual(story(none), ['START', 'STOP', 'Stopped']);
  await assert.rejects(stat(join(scene.dir, 'none.webm')), { code: 'ENOENT' });
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly');
  const lost = await studio.recorder(uri('folder/a.webm'), 'WEBM');
  await camera.connect(lost);
  await lost.record();
  const e = await heard(lost, 'an error', (e) => e.name === 'Error');
  assert.equal(e.type, 'RESOURCE_ERROR_OPEN');
  assert.equal(await lost.getState(), 'STOP');
  await mkdir(join(scene.dir, 'folder'));
  await lost.record();
  await isRecording(lost);
  await lost.stopAndWait();
  assert.ok((await stat(join(scene.dir, 'folder', 'a.webm'))).size > 0);
});

step('sound alone in a file for both, and pictures that come six seconds later', async (t, studio) => {
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly');
  const [alone, late] = [await studio.recorder(uri('alone.webm'), 'WEBM'), await studio.recorder(uri('late.webm'), 'WEBM')];
  for (const r of [alone, late]) {
    await camera.connect(r, 'AUDIO');
    await r.record();
  }
  await isRecording(late);
  await seconds(6);
  await camera.connect(late, 'VIDEO');
  await seconds(3);
  for (const r of [alone, late]) await r.stopAndWait();
  assert.deepEqual((await probe(join(scene.dir, 'alone.webm'))).kinds, ['audio']);
  const both = await probe(join(scene.dir, 'late.webm'));
  assert.deepEqual(both.kinds, ['audio', 'video']);
  assert.ok(both.seconds > 8.5 && both.seconds < 14, `${both.seconds} s`);
  const first = (await packets(join(scene.dir, 'late.webm'), 'video'))[0];
  assert.ok(first > 5 && first < 8, `the first picture stands at ${first} s`);
  const seen = await watch(t, scene.chrome, scene.files, 'late.webm', [7]);
  assert.ok(seen.frames > 5 && Math.abs(seen.end - both.seconds) < 0.3, JSON.stringify(seen));
});

step('another size of the picture, and then another presenter', async (t, studio) => {
  const [one, two] = [await person(t, studio, 'one'), await person(t, studio, 'two')];
  const first = await studio.join(one, 'sendonly', { size: [640, 360] });
  const second = await studio.join(two, 'sendonly', { size: [320, 240] });
  const r = await studio.recorder(uri('change.webm'), 'WEBM');
  await first.connect(r);
  await r.record();
  await isRecording(r);
  await seconds(2);
  await one.page.evaluate(async () => {
    const sender = window.calls.call.getSenders().find((s) => s.track?.kind === 'video');
    const p = sender.getParameters();
    p.encodings[0].scaleResolutionDownBy = 2;
    await sender.setParameters(p);
  });
  await seconds(2);
  await second.connect(r); // takes the place of the first
  await seconds(2);
  await second.disconnect(r);
  await seconds(1);
  await first.connect(r);
  await seconds(1);
  await r.stopAndWait();
  assert.deepEqual(story(r), ['START', 'Recording', 'STOP', 'Stopped']);
  const file = await probe(join(scene.dir, 'change.webm'));
  assert.ok(file.seconds > 7.5 && file.seconds < 14, `${file.seconds} s`);
  assert.ok(await decode(join(scene.dir, 'change.webm')) > 60);
  const seen = await watch(t, scene.chrome, scene.files, 'change.webm', [1, 3, 5]);
  assert.ok(Math.abs(seen.end - file.seconds) < 0.3, JSON.stringify(seen));
});

step('a server that is killed leaves files that play to the last second', async (t) => {
  const other = await startKelas(['--kurento-file-root', scene.dir]);
  const studio = new Studio(other.kurento);
  t.after(async () => {
    studio.close();
    await other.stop();
  });
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly', { codec: 'H264' });
  const names = ['killed.mkv', 'killed.mp4'];
  for (const name of names) {
    const r = await studio.recorder(uri(name), name.slice(-3).toUpperCase());
    await camera.connect(r);
    await r.record();
    await isRecording(r);
  }
  await seconds(6);
  await other.kill();
  for (const name of names) {
    const file = await probe(join(scene.dir, name));
    const video = await packets(join(scene.dir, name), 'video');
    assert.ok(file.seconds > 5 && video.at(-1) > 5, `${name}: ${file.seconds} s, the last picture at ${video.at(-1)}`);
    assert.equal(await decode(join(scene.dir, name)), video.length);
    const seen = await watch(t, scene.chrome, scene.files, name, []);
    assert.ok(seen.end > video.at(-1) - 0.3 && seen.frames > 50, `${name}: ${JSON.stringify(seen)}, the last picture at ${video.at(-1)}`);
  }
});

step('a full disk is told of, and what fits is kept', async (t) => {
  const small = await mkdtemp(join(tmpdir(), 'kelas-small-'));
  const other = await startKelas(['--kurento-file-root', small], { prefix: ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs -o size=120k tmpfs ${small} && exec "$@"`, 'sh'] });
  const studio = new Studio(other.kurento);
  t.after(async () => {
    await studio.over();
    studio.close();
    await other.stop();
    await rm(small, { recursive: true, force: true });
  });
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly');
  const r = await studio.recorder(`file://${small}/full.webm`, 'WEBM');
  await camera.connect(r);
  await r.record();
  const e = await heard(r, 'an error', (e) => e.name === 'Error');
  assert.equal(e.type, 'RESOURCE_ERROR_NO_SPACE_LEFT');
  await heard(r, 'its end', (e) => e.name === 'Stopped');
  assert.equal(await r.getState(), 'STOP');
  const inside = join('/proc', String(other.child.pid), 'root', small);
  assert.deepEqual(await readdir(inside), ['full.webm']);
  assert.ok(await decode(join(inside, 'full.webm')) > 5);
  const [size, file] = [(await stat(join(inside, 'full.webm'))).size, await probe(join(inside, 'full.webm'))];
  assert.ok(size > 50000 && file.seconds > 0.5, `${size} bytes, ${file.seconds} s`);
});
