// The tutorials' calls by the official client against the real server, with
// Chromium at the ends.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { chromium, grows, until } from './browsers.mjs';
import { startKelas, servePage, Person } from './kurento-rig.mjs';
import { OneToMany, HelloWorld, OneToOne, GroupCall } from './kurento-apps.mjs';

let kelas, chrome, site;

before(async () => {
  kelas = await startKelas();
  chrome = await chromium();
  site = await servePage();
});

after(async () => {
  await chrome?.close();
  site?.close();
  await kelas?.stop();
});

async function people(t, app, ...names) {
  const list = await Promise.all(names.map((name) => Person.open(chrome, site.url, name, app)));
  t.after(async () => {
    await Promise.all(list.map((p) => p.close()));
    app.close();
  });
  return list;
}

/** Runs a test; a failure shows the end of the server's log. */
function step(name, fn) {
  test(name, { timeout: 180000 }, async (t) => {
    try {
      await fn(t);
    } catch (e) {
      t.diagnostic(`end of the server's log:\n${kelas.log.slice(-2000)}`);
      throw e;
    }
  });
}

step('one2many: a presenter, viewers, a late one, a second presenter, stop and again', async (t) => {
  const app = new OneToMany(kelas.kurento);
  const [teacher, rival, ...students] = await people(t, app, 'teacher', 'rival', 'budi', 'citra', 'dewi');
  const view = (p) => p.ask({ id: 'viewer' }, 'viewerResponse', 'recvonly');

  const early = await view(students[0]);
  assert.equal(early.response, 'rejected');
  assert.match(early.message, /No active presenter/);
  await students[0].hangUp();

  for (const round of [1, 2]) {
    const accepted = await teacher.ask({ id: 'presenter' }, 'presenterResponse', 'sendonly');
    assert.equal(accepted.response, 'accepted');
    assert.doesNotMatch(accepted.sdpAnswer, /a=candidate/, 'candidates are told by events alone');
    for (const s of students.slice(0, 2)) assert.equal((await view(s)).response, 'accepted');
    for (const s of students.slice(0, 2)) {
      await grows(`${s.name}: picture`, () => s.frames());
      await grows(`${s.name}: sound`, () => s.sound());
    }

    const refused = await rival.ask({ id: 'presenter' }, 'presenterResponse', 'sendonly');
    assert.equal(refused.response, 'rejected');
    await rival.hangUp();

    const late = students[2];
    await view(late);
    const since = Date.now();
    const took = await late.firstPicture(since);
    t.diagnostic(`round ${round}: the late viewer's first picture ${took} ms after the answer`);
    assert.ok(took < 5000, `the first picture took ${took} ms`);

    await app.message(late, { id: 'stop' });
    await late.hangUp();
    await grows('those who stay go on', () => students[0].frames());
    await app.message(teacher, { id: 'stop' });
    for (const s of students.slice(0, 2)) await s.heard((m) => m.id === 'stopCommunication');
    await Promise.all([teacher, ...students].map((p) => p.hangUp()));
    await until('nobody is left', () => app.client === null);
  }
});

step('hello-world: everybody sees themselves, again and again', async (t) => {
  const app = new HelloWorld(kelas.kurento);
  const [me] = await people(t, app, 'me');
  for (let round = 0; round < 2; round++) {
    await me.ask({ id: 'start' }, 'startResponse', 'sendrecv');
    await grows('own picture', () => me.frames());
    await grows('own sound', () => me.sound());
    await app.message(me, { id: 'stop' });
    await me.hangUp();
  }
});

step('one2one: a call is refused, then taken, and both see one another', async (t) => {
  const app = new OneToOne(kelas.kurento);
  const [ani, budi] = await people(t, app, 'ani', 'budi');
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
});

step('group-call: three people in a room, one leaves', async (t) => {
  const app = new GroupCall(kelas.kurento);
  const names = ['ani', 'budi', 'citra'];
  const list = await people(t, app, ...names);
  const receive = (p, sender, mode) => p.ask({ id: 'receiveVideoFrom', sender }, 'receiveVideoAnswer', mode, {}, sender);
  for (const p of list) {
    await app.message(p, { id: 'joinRoom', who: p.name, room: 'biology' });
    const { data } = await p.heard((m) => m.id === 'existingParticipants');
    await receive(p, p.name, 'sendonly');
    for (const other of data) await receive(p, other, 'recvonly');
    for (const other of list.filter((o) => data.includes(o.name))) {
      await other.heard((m) => m.id === 'newParticipantArrived' && m.name === p.name);
      await receive(other, p.name, 'recvonly');
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
