// Addresses of single endpoints: a server that its browsers reach by a TURN
// server alone, which is coturn, and which interfaces are told. Run it in a
// network of its own (./network).
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, grows, until } from './browsers.mjs';
import { startKelas, servePage, Person } from './kurento-rig.mjs';
import { OneToMany } from './kurento-apps.mjs';
import { host } from './kelas.mjs';

const turnPort = 3478;
// The usual REST credentials, whose name has a colon.
const secret = 'shared with coturn';
const user = '1900000000:kelas';
const password = createHmac('sha1', secret).update(user).digest('base64');

let kelas, chrome, site, coturn, folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kelas-turn-'));
  await startCoturn();
  kelas = await startKelas(['--log-level', 'debug']);
  // A page that only watches hides its addresses behind names, which no server
  // can resolve; with a STUN server of its own it would tell them too.
  chrome = await chromium({ more: ['--disable-features=WebRtcHideLocalIpsWithMdns'] });
  site = await servePage();
});

after(async () => {
  await chrome?.close();
  site?.close();
  await kelas?.stop();
  coturn?.kill('SIGKILL');
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function startCoturn() {
  const at = process.env.TURNSERVER ?? '/usr/bin/turnserver';
  coturn = spawn(at, ['-n', '--log-file', 'stdout', '--no-cli', '--no-tls', '--no-dtls', '--listening-ip', host, '--relay-ip', host,
    '--listening-port', String(turnPort), '--realm', 'elsewhere', '--use-auth-secret', '--static-auth-secret', secret,
    '--userdb', join(folder, 'turndb'), '--pidfile', join(folder, 'pid')], { stdio: ['ignore', 'pipe', 'pipe'] });
  coturn.log = '';
  for (const s of [coturn.stdout, coturn.stderr]) s.on('data', (d) => { coturn.log += d; });
  await until('coturn listens', async () => {
    assert.equal(coturn.exitCode, null, `coturn ended:\n${coturn.log}`);
    const probe = connect(turnPort, host);
    try {
      await once(probe, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      probe.destroy();
    }
  });
}

/** Whether nobody has that UDP port of the machine. */
async function isFree(port) {
  const socket = createSocket('udp4').bind(port, host);
  try {
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((done) => socket.close(done));
  }
}

/** one2many, whose endpoints are told what to use, and whose pages hear of some candidates alone. */
class Addressed extends OneToMany {
  told = [];

  constructor(uri, { set, only }) {
    super(uri);
    this.set = set;
    this.only = only;
  }

  tellCandidates(person, endpoint) {
    this.set(endpoint); // before the offer, which is sent behind it
    endpoint.on('IceGatheringDone', () => { this.gathered = true; });
    endpoint.on('IceCandidateFound', ({ candidate }) => {
      this.told.push(candidate.candidate);
      if (this.only.test(candidate.candidate)) person.send({ id: 'iceCandidate', candidate });
    });
  }
}

/** The selected pair as the page sees it. */
function pair(person) {
  return person.page.evaluate(async () => {
    const all = [...(await window.calls.call.getStats()).values()];
    const transport = all.find((s) => s.type === 'transport');
    const p = all.find((s) => s.id === transport.selectedCandidatePairId);
    return p && { remote: all.find((s) => s.id === p.remoteCandidateId) };
  });
}

function step(name, fn) {
  test(name, { timeout: 120000 }, async (t) => {
    try {
      await fn(t);
    } catch (e) {
      t.diagnostic(`end of the server's log:\n${kelas.log.slice(-3000)}\nof coturn's:\n${coturn.log.slice(-3000)}`);
      throw e;
    }
  });
}

async function call(t, app) {
  const [teacher, student] = await Promise.all(['teacher', 'student'].map((n) => Person.open(chrome, site.url, n, app)));
  t.after(async () => {
    await Promise.all([teacher.close(), student.close()]);
    app.close();
  });
  await teacher.ask({ id: 'presenter' }, 'presenterResponse', 'sendonly');
  await student.ask({ id: 'viewer' }, 'viewerResponse', 'recvonly');
  await grows('the student sees', () => student.frames());
  await grows('the student hears', () => student.sound());
  return { teacher, student };
}

for (const transport of ['udp', 'tcp']) {
  step(`turnUrl over ${transport}: pages that know the relayed address alone see and hear`, async (t) => {
    const url = `${user}:${password}@${host}:${turnPort}?transport=${transport}`;
    const app = new Addressed(kelas.kurento, { set: (e) => e.setTurnUrl(url), only: / typ relay / });
    const { teacher, student } = await call(t, app);
    const relays = app.told.filter((c) => / typ relay /.test(c));
    assert.equal(relays.length, 2, `candidates: ${app.told.join('\n')}`);
    for (const p of [teacher, student]) {
      const { remote } = await pair(p);
      assert.equal(remote.candidateType, 'relay');
      assert.notEqual(remote.port, kelas.media);
    }
    const ours = await app.presenter.endpoint.getICECandidatePairs();
    assert.equal(ours.length, 1);
    assert.equal(ours[0].localCandidate, relays[0]);
    assert.match(ours[0].remoteCandidate, new RegExp(` ${host.replaceAll('.', '\\.')} `));
    assert.equal(await app.presenter.endpoint.getTurnUrl(), url);
    for (const r of relays) assert.equal(await isFree(Number(r.split(' ')[5])), false);

    await app.message(student, { id: 'stop' });
    await app.message(teacher, { id: 'stop' });
    for (const r of relays) await until('coturn is told that it is over', () => isFree(Number(r.split(' ')[5])));
    assert.ok(!kelas.log.includes(password), 'the password is in the log');
  });
}

step('networkInterfaces: candidates of other interfaces are not told', async (t) => {
  const app = new Addressed(kelas.kurento, { set: (e) => e.setNetworkInterfaces('kelas0'), only: /./ });
  await call(t, app);
  assert.ok(app.told.length > 0);
  const { endpoint } = app.presenter;
  // Without a callback the client swallows errors.
  const refused = await new Promise((done) => endpoint.setNetworkInterfaces('nothere0', done));
  assert.equal(refused.code, 40107);
  assert.match(refused.message, /nothere0/);
  assert.equal(await endpoint.getNetworkInterfaces(), 'kelas0');

  // The other end of the cable has no address that is told.
  const none = new Addressed(kelas.kurento, { set: (e) => e.setNetworkInterfaces('kelas1'), only: /./ });
  const person = await Person.open(chrome, site.url, 'nobody', none);
  t.after(async () => {
    await person.close();
    none.close();
  });
  await person.ask({ id: 'presenter' }, 'presenterResponse', 'sendonly');
  await until('gathering ends', () => none.gathered);
  assert.deepEqual(none.told, []);
});
