// The tutorials' calls by the official client against the real server, with
// Chromium and Firefox at the ends.
import { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, firefox, grows, until } from './browsers.mjs';
import { startKelas, servePage, tap, Person, steps } from './kurento-rig.mjs';
import { OneToMany, HelloWorld, OneToOne, GroupCall, Publishing } from './kurento-apps.mjs';
import { OneToOneRecording } from './kurento-media-apps.mjs';

let kelas, chrome, fox, site, dir;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kelas-calls-'));
  kelas = await startKelas(['--kurento-file-root', dir]);
  [chrome, fox] = await Promise.all([chromium(), firefox()]);
  site = await servePage();
});

after(async () => {
  await Promise.allSettled([chrome?.close(), fox?.close()]);
  site?.close();
  await kelas?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Opens a page for each name, in Firefox where it ends in 'fox'. */
async function people(t, line, app, ...names) {
  const list = await Promise.all(names.map((name) => Person.open(name.endsWith('fox') ? fox : chrome, site.url, name, app)));
  t.after(async () => {
    await Promise.all(list.map((p) => p.close()));
    app.close();
    line.close();
  });
  return list;
}

const step = steps(() => kelas, 180000);

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

step('one2many: presenters in both browsers, viewers, late ones, a second presenter, stop and again', async (t) => {
  const line = await tap(kelas.kurento);
  const app = new OneToMany(line.uri);
  const [sari, sarifox, rival, ...students] = await people(t, line, app, 'sari', 'sarifox', 'rival', 'budi', 'citrafox', 'dewi', 'ekafox', 'fitri', 'gunafox', 'hadi');
  const view = (p, timed = false) => p.ask({ id: 'viewer' }, 'viewerResponse', 'recvonly', { timed });
  const [early, late] = [students.slice(0, 2), students.slice(2)];

  const refused = await view(early[0]);
  assert.equal(refused.response, 'rejected');
  assert.match(refused.message, /No active presenter/);
  await early[0].hangUp();

  for (const teacher of [sari, sarifox]) {
    const accepted = await teacher.ask({ id: 'presenter' }, 'presenterResponse', 'sendonly');
    assert.equal(accepted.response, 'accepted');
    assert.doesNotMatch(accepted.sdpAnswer, /a=candidate/, 'candidates are told by events alone');
    assert.deepEqual(line.taken(), ['create MediaPipeline', 'create WebRtcEndpoint', 'on IceCandidateFound', 'processOffer', 'gatherCandidates']);
    for (const s of early) {
      assert.equal((await view(s)).response, 'accepted');
      assert.deepEqual(line.taken(), ['create WebRtcEndpoint', 'on IceCandidateFound', 'processOffer', 'connect', 'gatherCandidates']);
    }
    for (const s of early) {
      await grows(`${s.name}: picture`, () => s.frames());
      await grows(`${s.name}: sound`, () => s.sound());
    }

    const second = await rival.ask({ id: 'presenter' }, 'presenterResponse', 'sendonly');
    assert.equal(second.response, 'rejected');
    await rival.hangUp();

    const took = [];
    for (const s of late) {
      await view(s, true);
      took.push(Math.round(await s.firstPicture()));
      await grows(`${s.name}: the picture goes on`, () => s.frames(), 3);
      await app.message(s, { id: 'stop' });
      await s.hangUp();
    }
    t.diagnostic(`${teacher.name}'s late viewers' first pictures, after their answers: ${took.join(', ')} ms (${late.map((s) => s.name).join(', ')})`);
    assert.ok(median(took) < 1000, `the median of ${took} ms`);

    await grows('those who stay go on', () => early[0].frames());
    line.taken();
    await app.message(teacher, { id: 'stop' });
    assert.deepEqual(line.taken(), ['release']);
    for (const s of early) await s.heard((m) => m.id === 'stopCommunication');
    await Promise.all([teacher, ...early].map((p) => p.hangUp()));
    await until('nobody is left', () => app.client === null);
  }
});

step('hello-world: everybody sees themselves, again and again', async (t) => {
  const line = await tap(kelas.kurento);
  const app = new HelloWorld(line.uri);
  const [me, mefox] = await people(t, line, app, 'me', 'mefox');
  for (const p of [me, me, mefox]) {
    await p.ask({ id: 'start' }, 'startResponse', 'sendrecv');
    await grows(`${p.name}: own picture`, () => p.frames());
    await grows(`${p.name}: own sound`, () => p.sound());
    await app.message(p, { id: 'stop' });
    assert.deepEqual(line.taken(), ['create MediaPipeline', 'create WebRtcEndpoint', 'connect', 'on IceCandidateFound', 'processOffer', 'gatherCandidates', 'release']);
    await p.hangUp();
  }
});

step('one2one: a call is refused, then taken, and both see one another', async (t) => {
  const line = await tap(kelas.kurento);
  const app = new OneToOne(line.uri);
  const [ani, budi] = await people(t, line, app, 'ani', 'budifox');
  await app.message(ani, { id: 'register', who: 'ani' });
  await app.message(budi, { id: 'register', who: 'ani' });
  assert.equal((await budi.heard((m) => m.id === 'registerResponse')).response, 'rejected');
  await app.message(budi, { id: 'register', who: 'budi' });

  const refused = ani.ask({ id: 'call', to: 'budi' }, 'callResponse', 'sendrecv');
  await budi.heard((m) => m.id === 'incomingCall');
  await app.message(budi, { id: 'incomingCallResponse', callResponse: 'reject' });
  assert.equal((await refused).response, 'rejected');
  await ani.hangUp();

  const heard = budi.messages.length;
  const taken = ani.ask({ id: 'call', to: 'budi' }, 'callResponse', 'sendrecv');
  await budi.heard((m) => m.id === 'incomingCall', heard);
  await budi.ask({ id: 'incomingCallResponse', callResponse: 'accept' }, 'startCommunication', 'sendrecv');
  assert.equal((await taken).response, 'accepted');
  for (const p of [ani, budi]) {
    await grows(`${p.name}: picture`, () => p.frames());
    await grows(`${p.name}: sound`, () => p.sound());
  }
  await app.message(ani, { id: 'stop' });
  await budi.heard((m) => m.id === 'stopCommunication');
  // The client sends calls in their order, behind candidates that wait, and creates
  // past them: the second create comes before or behind the first subscription.
  const asked = line.taken();
  const creates = (c) => c.startsWith('create ');
  assert.deepEqual(asked.filter(creates), ['create MediaPipeline', 'create WebRtcEndpoint', 'create WebRtcEndpoint']);
  assert.deepEqual(asked.filter((c) => !creates(c)), ['on IceCandidateFound', 'on IceCandidateFound',
    'connect', 'connect', 'processOffer', 'gatherCandidates', 'processOffer', 'gatherCandidates', 'release']);
});

step('one2one-call-recording: both sides are recorded until the pipeline is released, and played', async (t) => {
  const line = await tap(kelas.kurento);
  const app = new OneToOneRecording(line.uri, dir);
  const [ani, budi] = await people(t, line, app, 'ani', 'budifox');
  for (const p of [ani, budi]) await app.message(p, { id: 'register', who: p.name });
  const taken = ani.ask({ id: 'call', to: budi.name }, 'callResponse', 'sendrecv');
  await budi.heard((m) => m.id === 'incomingCall');
  await budi.ask({ id: 'incomingCallResponse', callResponse: 'accept' }, 'startCommunication', 'sendrecv');
  assert.equal((await taken).response, 'accepted');
  for (const p of [ani, budi]) {
    await grows(`${p.name}: picture`, () => p.frames(), 30);
    await grows(`${p.name}: sound`, () => p.sound());
  }
  await app.message(budi, { id: 'stop' });
  await ani.heard((m) => m.id === 'stopCommunication');
  assert.deepEqual(line.taken(), ['create MediaPipeline', 'create WebRtcEndpoint', 'create WebRtcEndpoint', 'create RecorderEndpoint', 'create RecorderEndpoint',
    'connect', 'connect', 'connect', 'connect', 'processOffer', 'on IceCandidateFound', 'gatherCandidates',
    'on IceCandidateFound', 'processOffer', 'gatherCandidates', 'record', 'record', 'release']);
  await Promise.all([ani, budi].map((p) => p.hangUp()));

  const nobody = await ani.ask({ id: 'play', user: 'nobody' }, 'playResponse', 'recvonly');
  assert.equal(nobody.response, 'rejected');
  await ani.hangUp();
  for (const user of [ani.name, budi.name]) {
    const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', join(dir, `${user}.webm`)]);
    const { streams, format } = JSON.parse(stdout);
    assert.deepEqual(streams.map((s) => s.codec_type).sort(), ['audio', 'video'], user);
    assert.ok(Number(format.duration) > 1, `${user}: ${format.duration} s`);
    const from = ani.messages.length;
    assert.equal((await ani.ask({ id: 'play', user }, 'playResponse', 'recvonly')).response, 'accepted');
    let asked = line.taken();
    assert.deepEqual(asked.slice(0, 10), ['create MediaPipeline', 'create WebRtcEndpoint', 'create PlayerEndpoint', 'connect', 'on Error', 'on EndOfStream', 'on IceCandidateFound',
      'processOffer', 'play', 'gatherCandidates']);
    await grows(`the recorded picture of ${user}`, () => ani.frames());
    await grows(`the recorded sound of ${user}`, () => ani.sound());
    if (user === ani.name) await ani.heard((m) => m.id === 'playEnd', from, 60000);
    else await app.message(ani, { id: 'stopPlay' });
    await until('it is released', () => {
      asked = [...asked, ...line.taken()];
      return asked.filter((c) => c === 'release').length >= (user === ani.name ? 2 : 1);
    });
    await ani.hangUp();
  }
  assert.deepEqual(ani.messages.filter((m) => m.id === 'error'), []);
});

step('group-call: three people in a room, one leaves', async (t) => {
  const line = await tap(kelas.kurento);
  const app = new GroupCall(line.uri);
  const names = ['ani', 'budi', 'citra'];
  const list = await people(t, line, app, ...names);
  const receive = (p, sender, mode) => p.ask({ id: 'receiveVideoFrom', sender }, 'receiveVideoAnswer', mode, {}, sender);
  for (const p of list) {
    await app.message(p, { id: 'joinRoom', who: p.name, room: 'biology' });
    const { data } = await p.heard((m) => m.id === 'existingParticipants');
    await receive(p, p.name, 'sendonly');
    const room = data.length === 0 ? ['create MediaPipeline'] : [];
    assert.deepEqual(line.taken(), [...room, 'create WebRtcEndpoint', 'on IceCandidateFound', 'processOffer', 'gatherCandidates']);
    const incoming = ['create WebRtcEndpoint', 'on IceCandidateFound', 'connect', 'processOffer', 'connect', 'gatherCandidates'];
    for (const other of data) {
      await receive(p, other, 'recvonly');
      assert.deepEqual(line.taken(), incoming);
    }
    for (const other of list.filter((o) => data.includes(o.name))) {
      await other.heard((m) => m.id === 'newParticipantArrived' && m.name === p.name);
      await receive(other, p.name, 'recvonly');
      assert.deepEqual(line.taken(), incoming);
    }
  }
  const framesOf = (p, sender) => p.page.evaluate(async (n) => {
    for (const s of (await window.calls[n].getStats()).values()) if (s.type === 'inbound-rtp' && s.kind === 'video') return s.framesDecoded;
    return 0;
  }, sender);
  for (const p of list) {
    for (const other of names.filter((n) => n !== p.name)) await grows(`${p.name} sees ${other}`, () => framesOf(p, other));
  }
  await app.message(list[2], { id: 'leaveRoom' });
  for (const p of list.slice(0, 2)) await p.heard((m) => m.id === 'participantLeft' && m.name === 'citra');
  await grows('ani still sees budi', () => framesOf(list[0], 'budi'));
  for (const p of list.slice(0, 2)) await app.message(p, { id: 'leaveRoom' });
  const client = await app.connection();
  const manager = await client.getServerManager();
  await until('nothing is left', async () => (await manager.getPipelines()).length === 0);
});

step('publishing through a PassThrough: muted by kind and as a whole, while viewers stay', async (t) => {
  const line = await tap(kelas.kurento);
  const app = new Publishing(line.uri);
  const [teacher, ani, budi] = await people(t, line, app, 'teacher', 'ani', 'budifox');
  await teacher.ask({ id: 'publish' }, 'answer', 'sendonly');
  const viewers = [ani, budi];
  for (const p of viewers) await p.ask({ id: 'subscribe' }, 'answer', 'recvonly');
  const seen = () => Promise.all(viewers.flatMap((p) => [grows(`${p.name}: picture`, () => p.frames()), grows(`${p.name}: sound`, () => p.sound())]));
  const still = (what, figure) => until(`${what} stands still`, async () => {
    const before = await Promise.all(viewers.map(figure));
    await new Promise((r) => setTimeout(r, 500));
    return (await Promise.all(viewers.map(figure))).every((n, i) => n === before[i]);
  });
  await seen();
  await app.message(teacher, { id: 'mute', kinds: ['VIDEO'] });
  await still('the picture', (p) => p.frames());
  await grows('the sound goes on', () => ani.sound());
  await app.message(teacher, { id: 'unmute', kinds: ['VIDEO'] });
  await seen();
  await app.message(teacher, { id: 'mute', kinds: [] });
  await still('the sound', (p) => p.sound());
  await app.message(teacher, { id: 'unmute', kinds: [] });
  await seen();
});
