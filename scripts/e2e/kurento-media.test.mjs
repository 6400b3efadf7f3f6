// Recording and playing by the official client, with Chromium at the ends and
// ffprobe as the judge of files.
import { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, grows, until } from './browsers.mjs';
import { probe } from './files.mjs';
import { startKelas, servePage, tap, Person, steps } from './kurento-rig.mjs';
import { Recording, Player } from './kurento-media-apps.mjs';

let kelas, chrome, site, dir;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kelas-media-'));
  kelas = await startKelas(['--kurento-file-root', dir]);
  chrome = await chromium();
  site = await servePage();
});

after(async () => {
  await chrome?.close();
  site?.close();
  await kelas?.stop();
  await rm(dir, { recursive: true, force: true });
});

const step = steps(() => kelas, 180000);

async function person(t, app, line) {
  const p = await Person.open(chrome, site.url, 'me', app);
  t.after(async () => {
    await p.close();
    app.close();
    line.close();
  });
  return p;
}

for (const [mode, kinds] of [['video-and-audio', ['audio', 'video']], ['video-only', ['video']], ['audio-only', ['audio']]]) {
  step(`hello-world-recording: ${mode}, then played`, async (t) => {
    const path = join(dir, `${mode}.webm`);
    const line = await tap(kelas.kurento);
    const app = new Recording(line.uri, `file://${path}`);
    const me = await person(t, app, line);
    await me.ask({ id: 'start', mode }, 'startResponse', 'sendrecv');
    assert.deepEqual(line.taken(), ['create MediaPipeline', 'create WebRtcEndpoint', 'connect', 'create RecorderEndpoint',
      'on Recording', 'on Stopped', 'on Paused', 'on Error', ...kinds.map(() => 'connect'), 'processOffer', 'on IceCandidateFound', 'gatherCandidates', 'record']);
    await me.heard((m) => m.id === 'recording');
    await grows('own picture', () => me.frames(), 45);
    await app.message(me, { id: 'stop' });
    assert.deepEqual(line.taken(), ['stop', 'release']);
    await me.hangUp();
    const file = await probe(path);
    assert.deepEqual(file.kinds, kinds);
    assert.ok(file.seconds > 2 && file.seconds < 60, `${file.seconds} s`);

    await me.ask({ id: 'play' }, 'playResponse', 'recvonly');
    assert.deepEqual(line.taken().slice(0, 10), ['create MediaPipeline', 'create WebRtcEndpoint', 'create PlayerEndpoint', 'connect', 'on Error', 'on EndOfStream',
      'processOffer', 'on IceCandidateFound', 'play', 'gatherCandidates']);
    if (kinds.includes('video')) await grows('the recorded picture', () => me.frames());
    if (kinds.includes('audio')) await grows('the recorded sound', () => me.sound());
    await me.heard((m) => m.id === 'playEnd', 0, 70000);
    assert.deepEqual(me.messages.filter((m) => m.id === 'error'), []);
  });
}

step('player: a file with seeking, pause, position and its end', async (t) => {
  const path = join(dir, 'made.webm');
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15', '-f', 'lavfi', '-i', 'sine=frequency=440',
    '-t', '12', '-c:v', 'libvpx', '-g', '15', '-deadline', 'realtime', '-c:a', 'libopus', path]);
  const line = await tap(kelas.kurento);
  const app = new Player(line.uri);
  const me = await person(t, app, line);
  await me.ask({ id: 'start', videourl: `file://${path}` }, 'startResponse', 'recvonly');
  // It asks for that when the state changes, which may be soon.
  assert.deepEqual(line.taken().filter((c) => c !== 'getVideoInfo'), ['create MediaPipeline', 'create WebRtcEndpoint', 'create PlayerEndpoint', 'connect', 'processOffer',
    'on IceCandidateFound', 'gatherCandidates', 'on MediaStateChanged', 'on Error', 'on EndOfStream', 'play']);
  await grows('picture', () => me.frames());
  await grows('sound', () => me.sound());
  const info = await me.heard((m) => m.id === 'videoInfo');
  assert.equal(info.isSeekable, true);
  assert.ok(Math.abs(info.videoDuration - 12000) < 300, `${info.videoDuration} ms`);
  const position = async () => {
    const from = me.messages.length;
    await app.message(me, { id: 'getPosition' });
    return (await me.heard((m) => m.id === 'position', from)).position;
  };
  await app.message(me, { id: 'pause' });
  const held = await until('it stands', async () => {
    const a = await position();
    await new Promise((r) => setTimeout(r, 300));
    return a === await position() && a;
  });
  await app.message(me, { id: 'doSeek', position: 9000 });
  await app.message(me, { id: 'resume' });
  await until('it is behind the place it went to', async () => (await position()) >= 8000);
  assert.ok(held < 8000);
  await app.message(me, { id: 'debugDot' });
  assert.match((await me.heard((m) => m.id === 'dot')).dot, /^digraph /);
  await grows('picture after the seek', () => me.frames());
  await me.heard((m) => m.id === 'playEnd', 0, 30000);
  await app.message(me, { id: 'doSeek', position: 1000 });
  await me.heard((m) => m.id === 'seek');
  await app.message(me, { id: 'stop' });
  assert.deepEqual(me.messages.filter((m) => m.id === 'error'), []);
});

step('files elsewhere are refused, and files that are not there told of', async (t) => {
  const app = new Player(kelas.kurento);
  const client = await app.connection();
  t.after(() => app.close());
  const pipeline = await client.create('MediaPipeline');
  await assert.rejects(pipeline.create('PlayerEndpoint', { uri: 'file:///etc/passwd' }), { code: 40107 });
  await assert.rejects(pipeline.create('RecorderEndpoint', { uri: `file://${dir}/../out.webm` }), { code: 40107 });
  const player = await pipeline.create('PlayerEndpoint', { uri: `file://${dir}/none.webm` });
  const told = new Promise((resolve) => player.on('Error', resolve));
  await player.play();
  assert.equal((await told).type, 'RESOURCE_ERROR_OPEN');
  await assert.rejects(stat(join(dir, '..', 'out.webm')));
  await pipeline.release();
});
