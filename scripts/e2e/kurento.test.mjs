// The tutorials' calls by the official client against the real server, with
// Chromium at the ends.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { chromium, grows, until } from './browsers.mjs';
import { startKelas, servePage, Person } from './kurento-rig.mjs';
import { OneToMany } from './kurento-one2many.mjs';

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
  const [teacher, rival, ...students] = await Promise.all(['teacher', 'rival', 'budi', 'citra', 'dewi']
    .map((name) => Person.open(chrome, site.url, name, app)));
  t.after(() => Promise.all([teacher, rival, ...students].map((p) => p.close())));
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
