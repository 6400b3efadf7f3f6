// PROTOCOL.md against reality: a client written from it alone, on a bare
// websocket, in both generations. Every request of the document is sent, and
// everything the server says is held against the document's examples: a
// member that is not there, or of another type, is a fault of one of the two.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { Kelas } from './kelas.mjs';
import { eventually, upload } from './clients.mjs';

/** @type {Kelas} */ let kelas;
let id;
const examples = { client: {}, server: {}, ack: {} };
const codes = new Set();
const seen = { server: new Set(), ack: new Set() };

before(async () => {
  const text = await readFile(new URL('../../signaling/PROTOCOL.md', import.meta.url), 'utf8');
  for (const [, kind, name, body] of text.matchAll(/^```json (client|server|ack) (\w+)\n([\s\S]*?)^```/gm)) {
    (examples[kind][name] ??= []).push(JSON.parse(body));
  }
  for (const [, code] of text.split('## 9.')[1].matchAll(/^\| `(\w+)` \|/gm)) codes.add(code);
  assert.ok(Object.keys(examples.client).length > 20 && codes.size > 50, 'the document was read');
  kelas = await Kelas.start();
  await kelas.user('teacher', 'ibu.sari', 'hujan di bulan juni');
  id = await kelas.class('Fisika 11', 'ibu.sari');
});
after(() => kelas?.stop());

// Members that not every object of a kind has.
const optional = {
  entry: { seq: 1, kind: '', from: { id: '', name: '', role: '' }, to: { id: '', name: '' }, text: '', clientId: '', at: 1, deleted: true, target: 1 },
  response: { response: '', sdpAnswer: '', endpoint: '', code: '', message: '' },
  server: { urls: [''], username: '', credential: '' },
};

/** Whether `real` is made as the examples are. */
function like(real, shapes, path) {
  const known = shapes.filter((s) => s !== undefined);
  assert.ok(known.length, `${path} is not in the document`);
  const type = (v) => (Array.isArray(v) ? 'list' : v === null ? 'null' : typeof v);
  assert.ok(known.some((s) => type(s) === type(real)), `${path} is ${type(real)}`);
  if (Array.isArray(real)) {
    const elements = known.flat();
    if (elements.length) real.forEach((v, i) => like(v, elements, `${path}[${i}]`));
  } else if (type(real) === 'object') {
    for (const [key, value] of Object.entries(real)) like(value, known.map((s) => s[key]), `${path}.${key}`);
  }
}

function shapesOf(kind, name, body) {
  const own = examples[kind][name] ?? [];
  if (name === 'chat' && kind === 'server') return [...own, { entry: optional.entry }];
  if (name === 'chat' && kind === 'ack') return [...own, { ok: true, entry: optional.entry }];
  if (name === 'chatHistory') return [...own, { ok: true, entries: [optional.entry], more: true }];
  if (/^(presenter|viewer)Response$/.test(name)) return [optional.response];
  if (name === 'joined') return [...own, { chat: [optional.entry], iceServers: [optional.server] }];
  if (name === 'error') return [...own, { code: '', message: '', event: '' }];
  return own;
}

/** A client as section 1, "Without a library", describes it. */
class Bare {
  events = []; // [name, body]
  acks = new Map();
  next = 0;
  closed = null;

  static async connect(revision, who) {
    const c = new Bare();
    c.revision = revision;
    const query = new URLSearchParams({ EIO: revision === 4 ? '4' : '3', transport: 'websocket', class: id, ...(revision === 2 && who) });
    c.ws = new WebSocket(`${kelas.url.replace('http', 'ws')}/socket.io/?${query}`);
    c.ws.on('message', (raw) => c.packet(String(raw)));
    c.ws.on('close', (code, reason) => { c.closed = { code, reason: String(reason) }; });
    await eventually('OPEN', () => c.open || c.closed);
    if (revision === 4) c.ws.send(`40${JSON.stringify({ class: id, ...who })}`);
    await eventually('an answer', () => c.connected || c.refused || c.closed);
    return c;
  }

  packet(raw) {
    if (raw[0] === '0') {
      this.open = JSON.parse(raw.slice(1));
      like(this.open, [{ sid: '', upgrades: [], pingInterval: 1, pingTimeout: 1, maxPayload: 1 }], 'OPEN');
    } else if (raw === '2') this.ws.send('3');
    else if (raw === '3') this.ponged = true;
    else if (raw.startsWith('40')) this.connected = true;
    else if (raw.startsWith('41')) this.disconnected = true;
    else if (raw.startsWith('44')) {
      const said = JSON.parse(raw.slice(2));
      this.refused = this.revision === 4 ? said.data : said;
      assert.ok(codes.has(this.refused.code), raw);
    } else if (raw.startsWith('42')) {
      const [name, body, ...rest] = JSON.parse(raw.slice(2));
      assert.equal(rest.length, 0);
      seen.server.add(name);
      this.events.push([name, body]);
    } else if (raw.startsWith('43')) {
      const [, n, body] = raw.match(/^43(\d+)(\[.*\])$/s);
      const list = JSON.parse(body);
      assert.equal(list.length, 1);
      this.acks.set(Number(n), list[0]);
    } else assert.fail(`not in the document: ${raw}`);
  }

  async ask(event, body) {
    const n = this.next++;
    this.ws.send(`42${n}${JSON.stringify([event, body])}`);
    const answer = await eventually(`an answer to ${event}`, () => this.acks.get(n));
    if (answer.ok) {
      seen.ack.add(event);
      like(answer, [{ ok: true }, ...shapesOf('ack', event), ...(event === 'presenter' || event === 'viewer' ? [{ ok: true, ...optional.response }] : [])], `ack of ${event}`);
    } else {
      assert.deepEqual(Object.keys(answer.error).sort(), ['code', 'message']);
      assert.ok(codes.has(answer.error.code), `${event}: ${answer.error.code} is not in the document`);
    }
    return answer;
  }

  heard(name) { return this.events.filter(([n]) => n === name).map(([, b]) => b); }
  hears(name, ok = () => true) { return eventually(`hears ${name}`, () => this.heard(name).find(ok)); }

  async join(body = {}) {
    this.ws.send(`42${JSON.stringify(['join', body])}`);
    return this.hears('joined');
  }

  /** Everything it heard was as the document says. */
  check() {
    for (const [name, body] of this.events) like(body, shapesOf('server', name, body), name);
  }
}

/** An offer as section 5 asks for. */
function offer(direction) {
  const fingerprint = Array.from({ length: 32 }, (_, i) => (i + 16).toString(16).toUpperCase()).join(':');
  const kinds = ['audio', 'video', 'video', 'audio'];
  const common = (mid) => ['c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0', 'a=ice-ufrag:abcd', 'a=ice-pwd:abcdefghijklmnopqrstuvwx', 'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${fingerprint}`, 'a=setup:actpass', `a=mid:${mid}`, `a=${direction}`, 'a=rtcp-mux'];
  const lines = ['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${kinds.map((_, i) => i).join(' ')}`];
  kinds.forEach((kind, mid) => {
    if (kind === 'audio') lines.push('m=audio 9 UDP/TLS/RTP/SAVPF 111', ...common(mid), 'a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;useinbandfec=1');
    else lines.push('m=video 9 UDP/TLS/RTP/SAVPF 96 97', ...common(mid), 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', 'a=rtcp-fb:96 transport-cc', 'a=rtpmap:97 rtx/90000', 'a=fmtp:97 apt=96');
    if (direction === 'sendonly') lines.push(`a=ssrc:${1000 + mid} cname:x`, `a=msid:s t${mid}`);
  });
  return `${lines.join('\r\n')}\r\n`;
}

for (const revision of [4, 2]) {
  test(`every request of the document, on a bare websocket, ${revision}.x`, async () => {
    const connect = async (role, name) => Bare.connect(revision, { token: await kelas.token(id, role, name) });
    const sri = await connect('presenter', `Bu Sri ${revision}`);
    const ani = await connect('viewer', `Ani ${revision}`);
    const budi = await connect('viewer', `Budi ${revision}`);
    assert.equal((await ani.ask('lock', { locked: true })).error.code, 'notJoined');
    const [me, other] = [await ani.join(), await budi.join()];
    const teacher = await sri.join();
    const ok = async (who, event, body) => {
      const answer = await who.ask(event, body);
      assert.ok(answer.ok, `${event}: ${JSON.stringify(answer)}`);
      return answer;
    };
    const no = async (who, event, body, code) => assert.equal((await who.ask(event, body)).error?.code, code, event);

    // Media: negotiation, candidates in both directions, a second presenter.
    await ok(ani, 'viewer', { sdpOffer: offer('recvonly') });
    const made = await ani.hears('viewerResponse');
    assert.equal(made.response, 'accepted');
    for (const slot of ['m=audio', 'm=video']) assert.equal(made.sdpAnswer.split(slot).length, 3, 'a place for each');
    await ok(ani, 'onIceCandidate', { ...examples.client.onIceCandidate[0], endpoint: 'viewer' });
    await ok(ani, 'onIceCandidate', { endpoint: 'viewer', candidate: { candidate: '', sdpMid: '0', sdpMLineIndex: 0 } });
    await no(ani, 'onIceCandidate', { endpoint: 'viewer', candidate: { candidate: 'nonsense', sdpMid: '0', sdpMLineIndex: 0 } }, 'badCandidate');
    await ani.hears('iceCandidate');
    await ok(ani, 'viewer', { sdpOffer: offer('recvonly').replaceAll('abcd', 'efgh'), endpoint: made.endpoint });
    await no(ani, 'viewer', { sdpOffer: offer('recvonly'), endpoint: 'e5c1' }, 'noSuchEndpoint');
    await no(ani, 'presenter', { sdpOffer: offer('sendonly') }, 'notAllowed');
    await ok(sri, 'presenter', { sdpOffer: offer('sendonly') });
    await ok(sri, 'publish', examples.client.publish[0]);
    await ani.hears('slots', (s) => s.slots.some((x) => x.slot === 'camera' && x.live));
    const rival = await connect('presenter', `Pak Budi ${revision}`);
    await rival.join();
    await no(rival, 'presenter', { sdpOffer: offer('sendonly') }, 'presenterPresent');
    assert.equal((await rival.hears('presenterResponse')).code, 'presenterPresent');
    await ok(ani, 'iceServers', {});
    await ok(ani, 'stats', {});
    await ok(sri, 'stop', examples.client.stop[0]);
    await ani.hears('stopCommunication', (s) => s.reason === 'stopped');

    // Chat.
    const sent = await ok(ani, 'chat', { ...examples.client.chat[0], to: teacher.you.id, clientId: `c-${revision}-1` });
    const again = await ok(ani, 'chat', { ...examples.client.chat[0], to: teacher.you.id, clientId: `c-${revision}-1` });
    assert.equal(again.entry.seq, sent.entry.seq, 'the same clientId is the same message');
    await ani.hears('chatStored', (s) => s.seq >= sent.entry.seq);
    await sri.hears('chat', (c) => c.entry.seq === sent.entry.seq && c.entry.clientId === undefined);
    await ok(sri, 'chat', { kind: 'announcement', text: 'Dengar' });
    await ok(ani, 'chatDelete', { seq: sent.entry.seq });
    await ok(ani, 'chatHistory', examples.client.chatHistory[0]);
    await no(ani, 'chat', { text: 'x', kind: 'private' }, 'badMessage');
    ani.ws.send('42["chat",{"text":""}]');
    await ani.hears('error', (e) => e.code === 'chatEmpty' && e.event === 'chat');

    // Files.
    const token = await kelas.token(id, 'viewer', `Cici ${revision}`);
    const cici = await Bare.connect(revision, { token });
    await cici.join();
    const file = (await upload(kelas.url, id, token, 'gaya.txt', Buffer.from('gaya'))).headers.get('kelas-file-id');
    await ani.hears('file', (f) => f.file.id === file);
    await ok(ani, 'files', {});
    await ok(cici, 'fileDelete', { id: file });
    await ani.hears('fileRemoved', (f) => f.id === file);

    // People.
    await ok(ani, 'presence', examples.client.presence[0]);
    await sri.hears('participantChanged', (p) => p.participant.id === me.you.id && p.participant.presence === 'away');
    await ok(sri, 'lock', { locked: true });
    await ok(sri, 'lock', { locked: false });
    await no(sri, 'admit', examples.client.admit[0], 'noSuchWaiting');
    await no(ani, 'admit', examples.client.admit[0], 'notAllowed');
    await ok(ani, 'quality', examples.client.quality[0]);
    await no(ani, 'quality', { quality: 'splendid' }, 'badMessage');
    await ok(ani, 'quality', { quality: 'automatic' });
    await ok(sri, 'handOver', { to: other.you.id });
    await budi.hears('handOverOffered');
    await budi.hears('roleChanged', (r) => r.role === 'presenter');
    await ok(sri, 'takeBack', {});
    await ok(sri, 'setRole', { participant: other.you.id, role: 'moderator' });
    await ok(sri, 'setRole', { participant: other.you.id, role: 'viewer' });
    await ok(sri, 'remove', { participant: other.you.id });
    await eventually('closed', () => budi.closed);
    assert.deepEqual([budi.closed.code, budi.closed.reason, budi.disconnected], [1008, 'removed', true], 'put out for good');
    assert.equal((await Bare.connect(revision, {})).refused.code, 'noIdentity');
    await no(ani, 'nonsense', {}, 'unknownEvent');

    // Coming back, and two lines of one session.
    if (revision === 2) {
      ani.ws.send('2');
      await eventually('pong', () => ani.ponged);
    }
    const aniToken = await kelas.token(id, 'viewer', `Eko ${revision}`);
    const eko = await Bare.connect(revision, { token: aniToken });
    const first = await eko.join();
    eko.ws.terminate();
    await ani.hears('participantChanged', (p) => p.participant.id === first.you.id && p.participant.presence === 'lost');
    const missed = await ok(sri, 'chat', { text: 'selama Eko pergi' });
    const back = await Bare.connect(revision, { token: aniToken });
    const resumed = await back.join({ session: first.session, lastSeq: first.storedSeq });
    assert.equal(resumed.resumed, true);
    assert.ok(resumed.chat.some((e) => e.seq === missed.entry.seq), 'what it missed');
    const newer = await Bare.connect(revision, { token: aniToken });
    await newer.join({ session: first.session });
    await back.hears('error', (e) => e.code === 'sessionResumed');
    await eventually('closed', () => back.closed);
    await ok(newer, 'leave', {});
    await eventually('closed', () => newer.closed);
    assert.equal(newer.closed.code, 1000);

    await ok(sri, 'endClass', {});
    await ani.hears('error', (e) => e.code === 'classEnded');
    for (const c of [sri, ani, budi, cici, rival, eko, back, newer]) c.check();
    for (const c of [sri, ani, cici, rival]) await eventually('closed', () => c.closed);
    id = await kelas.class('Fisika 11', 'ibu.sari');
  });
}

test('a stopping server says so', async () => {
  const c = await Bare.connect(4, { token: await kelas.token(id, 'viewer', 'Gita') });
  await c.join();
  kelas.child.kill('SIGTERM');
  await c.hears('serverClosing');
  await eventually('closed', () => c.closed);
  assert.deepEqual([c.closed.code, c.closed.reason], [1001, 'serverClosing']);
  assert.equal(c.disconnected, undefined, 'it may come back by itself');
  c.check();
});

test('nothing of the document was left out', () => {
  // What needs a failing database, a browser with media (quality.test.mjs) or
  // an LMS that wants guests to wait (bbb.test.mjs, signaling/socket) is seen elsewhere.
  const elsewhere = ['chatDelayed', 'chatFailed', 'slotUnplayable', 'mediaState', 'layer', 'layersWanted',
    'lobbyEntered', 'lobbyLeft', 'lobbyAdmitted'];
  assert.deepEqual(Object.keys(examples.server).filter((n) => !seen.server.has(n) && !elsewhere.includes(n)), []);
  assert.deepEqual(Object.keys(examples.client).filter((n) => !seen.ack.has(n) && n !== 'join' && n !== 'admit'), []);
});
