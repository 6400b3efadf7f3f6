// The rules of a class as its clients see them: over the real socket, with
// the official clients of both generations side by side, and over HTTP.
import { test, before, after, afterEach } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Kelas } from './kelas.mjs';
import { Tab, login, upload, eventually } from './clients.mjs';

const password = 'hujan di bulan juni';
/** @type {Kelas} */ let kelas;
let id, cookie;
const tabs = [];
const tokens = {};
const secrets = [password];

before(async () => {
  kelas = await Kelas.start();
  await kelas.user('teacher', 'ibu.sari', password);
  await kelas.user('student', 'dewi', password);
  id = await kelas.class('Biologi 8B', 'ibu.sari');
  cookie = await login(kelas.url, 'ibu.sari', password);
  secrets.push(...cookie.split('; ').map((c) => c.split('=')[1]));
});
// Each test begins with nobody in the class; a tab that is only closed would
// be waited for.
afterEach(async () => {
  secrets.push(...tabs.map((t) => t.session).filter(Boolean));
  await Promise.all(tabs.splice(0).map((t) => t.leave()));
});
after(() => kelas?.stop());

async function token(role, name, cls = id) {
  const t = await kelas.token(cls, role, name);
  secrets.push(t);
  return t;
}

function open(who, cls = id) {
  const tab = new Tab(kelas.url, cls, who);
  tabs.push(tab);
  return tab;
}

/** A tab of somebody with a token of their own; a second tab has the same. */
async function enter(name, role = 'viewer', generation = 4) {
  tokens[name] ??= await token(role, name);
  return open({ token: tokens[name], generation }).in();
}

const bearer = (name) => ({ authorization: `Bearer ${tokens[name]}` });

test('two tabs of one participant are one person', async () => {
  const ani = await enter('Ani');
  const again = await enter('Ani', 'viewer', 2);
  const beno = await enter('Beno');
  assert.equal(ani.you.id, again.you.id);
  assert.equal(beno.picture.participants.filter((p) => p.name === 'Ani').length, 1);
  const entry = await ani.say('dari tab pertama', { clientId: 'two-1' });
  await again.hears('chat', (c) => c.entry.seq === entry.seq);
  again.close();
  await beno.say('masih ada');
  await ani.hears('chat', (c) => c.entry.text === 'masih ada');
  assert.equal(beno.all('participantLeft').length, 0, 'the person is still there');
  const more = [await enter('Ani'), await enter('Ani', 'viewer', 2)];
  await enter('Ani');
  assert.equal(await open({ token: tokens.Ani }).out(), 'tooManySessions');
  assert.equal(await open({ token: tokens.Ani, generation: 2 }).out(), 'tooManySessions');
  more.forEach((t) => t.close());
});

test('a private message finds who was not there, and nobody else', async () => {
  const [ani, beno, cici, guru] = [await enter('Ani'), await enter('Beno'), await enter('Cici', 'viewer', 2), await open({ cookie }).in()];
  const to = beno.you.id;
  await beno.leave();
  await ani.hears('participantLeft', (p) => p.id === to);
  const entry = await ani.say('hanya untuk Beno', { kind: 'private', to });
  await ani.hears('chatStored', (s) => s.seq >= entry.seq);
  assert.equal(await ani.code('chat', { kind: 'private', to: 'nobody', text: 'x' }), 'noSuchParticipant');
  assert.equal(await ani.code('chat', { kind: 'announcement', text: 'x' }), 'notAllowed');
  await guru.say('dengar semua', { kind: 'announcement' });
  await cici.hears('chat', (c) => c.entry.kind === 'announcement');
  const back = await enter('Beno', 'viewer', 2);
  assert.deepEqual(back.picture.chat.filter((e) => e.kind === 'private').map((e) => e.text), ['hanya untuk Beno']);
  for (const other of [cici, guru]) {
    assert.ok(!other.texts().includes('hanya untuk Beno'));
    assert.ok(!(await other.history()).flat().some((e) => e.kind === 'private'));
  }
  assert.equal(await guru.code('chatDelete', { seq: entry.seq }), 'noSuchMessage', 'nor may others delete it');
});

test('what is no message is refused in words and leaves nothing', async () => {
  const cici = await enter('Cici', 'viewer', 2);
  const ani = await enter('Ani');
  const before = (await ani.history()).flat().length;
  for (const [event, body, code] of [
    ['chat', { text: '' }, 'chatEmpty'],
    ['chat', { text: ' \n\t ' }, 'chatEmpty'],
    ['chat', { text: 'a\u0000b' }, 'chatNotText'],
    ['chat', { text: 'a\u001b[31mb' }, 'chatNotText'],
    ['chat', { text: 'x'.repeat(4001) }, 'chatTooLong'],
    ['chat', { text: 7 }, 'badMessage'],
    ['chat', { text: 'x', kind: 'shout' }, 'badMessage'],
    ['chat', ['x'], 'badMessage'],
    ['chat', 'x', 'badMessage'],
    ['chat', null, 'chatEmpty'], // as without a body
    ['chatHistory', { before: 'x' }, 'badMessage'],
    ['chatDelete', { seq: 999999 }, 'noSuchMessage'],
    ['lock', { locked: 'yes' }, 'badMessage'],
    ['nonsense', {}, 'unknownEvent'],
    ['join', {}, 'alreadyJoined'],
    ['viewer', { sdpOffer: 'nonsense' }, 'badSdp'],
    ['viewer', { sdpOffer: 'v=0\r\n'.repeat(1000) }, 'badSdp'],
    ['viewer', { sdpOffer: '' }, 'badMessage'],
    ['viewer', {}, 'badMessage'],
    ['presenter', { sdpOffer: 'nonsense' }, 'notAllowed'],
    ['onIceCandidate', { endpoint: 'viewer', candidate: { candidate: 'nonsense' } }, 'noSuchEndpoint'],
    ['onIceCandidate', { endpoint: 'other', candidate: {} }, 'badMessage'],
    ['publish', { mic: true }, 'notPresenting'],
    ['stop', { endpoint: 'viewer' }, 'noSuchEndpoint'],
    ['remove', { participant: cici.you.id }, 'notAllowed'],
    ['handOver', { to: cici.you.id }, 'notAllowed'],
    ['setRole', { participant: cici.you.id, role: 'moderator' }, 'notAllowed'],
    ['lock', { locked: true }, 'notAllowed'],
    ['endClass', {}, 'notAllowed'],
    ['fileDelete', { id: '../../kelas.db' }, 'noSuchFile'],
  ]) {
    for (const who of [ani, cici]) {
      const answer = await who.ask(event, body);
      assert.equal(answer.ok ? 'ok' : answer.error.code, code, `${event} ${JSON.stringify(body).slice(0, 60)} of a ${who.generation}.x client`);
      assert.ok(answer.error.message.length > 5);
    }
  }
  const text = '<img src=x onerror=alert(1)> & "teks"';
  const entry = await ani.say(text);
  assert.equal(entry.text, text, 'text stays text');
  assert.equal((await ani.history()).flat().length, before + 1);
});

test('a message above the limit ends that connection and no other', async () => {
  const other = await enter('Ani');
  for (const generation of [4, 2]) {
    const big = await enter('Cici', 'viewer', generation);
    big.socket.emit('chat', { text: 'x'.repeat(1 << 20) });
    await big.hears('error', (e) => e.code === 'messageTooLarge');
    await eventually('closed', () => !big.socket.connected);
    big.close();
  }
  await other.say('tetap di sini');
});

test('too many messages are refused, and the others do not suffer', async () => {
  const fast = await enter('Gesit');
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => fast.code('chat', { text: `cepat ${i}` })));
  assert.ok(answers.includes('ok') && answers.includes('chatTooFast'), answers.join());
  assert.ok(answers.every((a) => a === 'ok' || a === 'chatTooFast'), answers.join());
  await (await enter('Ani')).say('saya masih boleh');
  fast.close();
});

test('deletion: its author and moderators, in every tab and in the history', async () => {
  const [ani, cici, guru] = [await enter('Ani'), await enter('Cici', 'viewer', 2), await open({ cookie, generation: 2 }).in()];
  const own = await ani.say('salah ketik');
  const rude = await ani.say('kata kasar');
  assert.equal(await cici.code('chatDelete', { seq: own.seq }), 'notAllowed');
  assert.equal(await ani.code('chatDelete', { seq: own.seq }), 'ok');
  assert.equal(await guru.code('chatDelete', { seq: rude.seq }), 'ok');
  for (const seq of [own.seq, rude.seq]) await cici.hears('chat', (c) => c.entry.kind === 'deletion' && c.entry.target === seq);
  const log = (await cici.history()).flat();
  for (const seq of [own.seq, rude.seq]) {
    const e = log.find((e) => e.seq === seq);
    assert.deepEqual([e.text, e.deleted], ['', true]);
  }
  const late = await enter('Dodi');
  assert.ok(!JSON.stringify(late.picture.chat).includes('kata kasar'));
});

test('history comes in pages that join up, the same for everybody', async () => {
  const writers = [];
  for (let i = 0; i < 8; i++) writers.push(await enter(`Penulis ${i}`, 'viewer', i % 2 ? 2 : 4));
  await Promise.all(writers.map(async (w, i) => {
    for (let n = 0; n < 18; n++) await w.say(`${i}:${n}`);
  }));
  const pages = await writers[0].history(50);
  assert.ok(pages.length >= 3, `${pages.length} pages`);
  assert.ok(pages.slice(1).every((p) => p.length === 50));
  const seqs = pages.flat().map((e) => e.seq);
  assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), 'rising, each once');
  const bare = (list) => list.map(({ clientId, ...e }) => e);
  const whole = bare(pages.flat());
  for (const w of writers.slice(1, 4)) assert.deepEqual(bare((await w.history(37)).flat()), whole);
  const mine = new Set(whole.map((e) => e.text));
  for (let i = 0; i < 8; i++) for (let n = 0; n < 18; n++) assert.ok(mine.has(`${i}:${n}`));
  // Live, every tab heard the messages in the order of their numbers.
  for (const w of writers) {
    const live = w.all('chat').map((c) => c.entry.seq);
    assert.deepEqual(live, [...live].sort((a, b) => a - b));
  }
  const late = await enter('Eka');
  assert.equal(late.picture.chat.length, 50);
  assert.equal(late.picture.chatMore, true);
  writers.forEach((w) => w.close());
});

test('files: told to all, safe names, owner or moderator deletes', async () => {
  const [ani, cici, guru] = [await enter('Ani'), await enter('Cici', 'viewer', 2), await open({ cookie }).in()];
  const bytes = randomBytes(300000);
  const done = await upload(kelas.url, id, tokens.Ani, '../../etc/pass\u202ewd.bin', bytes, 100000);
  assert.equal(done.status, 204);
  const file = (await cici.hears('file')).file;
  assert.equal(file.id, done.headers.get('kelas-file-id'));
  assert.doesNotMatch(file.name, /[/\\\u202e]|\.\./);
  assert.equal(file.hash, createHash('sha256').update(bytes).digest('hex'));
  const url = new URL(file.url, kelas.url);
  const got = await fetch(url, { headers: bearer('Cici') });
  assert.equal(createHash('sha256').update(Buffer.from(await got.arrayBuffer())).digest('hex'), file.hash);
  assert.match(got.headers.get('content-disposition'), /^attachment;/);
  assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
  const part = await fetch(url, { headers: { ...bearer('Cici'), range: 'bytes=10-19' } });
  assert.equal(part.status, 206);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(10, 20));
  assert.equal((await fetch(url)).status, 401, 'nobody without a seat');
  for (const [name, code] of [['..', 'fileNameInvalid'], ['', 'fileNameInvalid'], ['virus.exe', 'fileTypeNotAllowed']]) {
    const r = await upload(kelas.url, id, tokens.Ani, name, bytes);
    assert.equal((await r.json()).code, code, `a file called "${name}"`);
  }
  assert.equal(await cici.code('fileDelete', { id: file.id }), 'notAllowed');
  assert.equal(await guru.code('fileDelete', { id: file.id }), 'ok');
  await ani.hears('fileRemoved', (f) => f.id === file.id);
  assert.equal((await fetch(url, { headers: bearer('Ani') })).status, 404);
  const mine = await upload(kelas.url, id, tokens.Ani, 'catatan.txt', Buffer.from('isi'));
  assert.equal(await ani.code('fileDelete', { id: mine.headers.get('kelas-file-id') }), 'ok');
});

test('a locked class keeps strangers out', async () => {
  const guru = await open({ cookie }).in();
  assert.equal(await guru.code('lock', { locked: true }), 'ok');
  for (const generation of [4, 2]) {
    assert.equal(await open({ token: await token('viewer', `Baru ${generation}`), generation }).out(), 'classLocked');
  }
  const known = await enter('Beno');
  assert.equal(known.picture.class.locked, true);
  const helper = await open({ token: await token('moderator', 'Asisten'), generation: 2 }).in();
  assert.equal(await helper.code('lock', { locked: false }), 'ok');
  await known.hears('classChanged', (c) => c.class.locked === false);
  await open({ token: await token('viewer', 'Baru') }).in();
});

test('who was removed cannot come back, by no door', async () => {
  const guru = await open({ cookie }).in();
  const file = await upload(kelas.url, id, (await enter('Ani'), tokens.Ani), 'bahan.txt', Buffer.from('bahan'));
  const url = `${kelas.url}/c/${id}/files/${file.headers.get('kelas-file-id')}`;
  const bad = await enter('Fani');
  const second = await enter('Fani', 'viewer', 2);
  const page = await fetch(`${kelas.url}/c/${id}?token=${tokens.Fani}`, { redirect: 'manual' });
  const seat = page.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ');
  assert.equal((await fetch(url, { headers: { cookie: seat } })).status, 200);
  assert.equal(await guru.code('remove', { participant: bad.you.id }), 'ok');
  for (const tab of [bad, second]) {
    await tab.hears('error', (e) => e.code === 'removed');
    await eventually('closed', () => !tab.socket.connected);
  }
  await guru.hears('participantLeft', (p) => p.id === bad.you.id && p.reason === 'removed');
  const back = async () => {
    assert.equal(await open({ token: tokens.Fani }).out(), 'removed');
    assert.equal(await open({ token: tokens.Fani, generation: 2 }).out(), 'removed');
    assert.equal(await open({ cookie: seat }).out(), 'removed');
    for (const headers of [bearer('Fani'), { cookie: seat }]) {
      const r = await fetch(url, { headers: { ...headers, accept: 'application/json' } });
      assert.equal(r.status, 403, 'the file');
      await r.arrayBuffer();
    }
    assert.equal((await upload(kelas.url, id, tokens.Fani, 'x.txt', Buffer.from('x'))).status, 403);
    assert.equal((await fetch(`${kelas.url}/c/${id}`, { headers: { cookie: seat } })).status, 403, 'the page');
  };
  await back();
  await kelas.kill();
  await kelas.run();
  await back();
});

test('tokens: expired, forged, of another class, none', async () => {
  const other = await kelas.class('Kelas lain', 'ibu.sari');
  const short = await kelas.cli(['token', '--class', id, '--role', 'viewer', '--name', 'Singkat', '--ttl', '1s']);
  const good = await token('viewer', 'Gita');
  const [head, body, mark] = good.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  const pack = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  await new Promise((r) => setTimeout(r, 2100));
  for (const generation of [4, 2]) {
    for (const [what, given, code] of [
      ['expired', short, 'tokenExpired'],
      ['a role raised', [head, pack({ ...claims, role: 'presenter' }), mark].join('.'), 'tokenForged'],
      ['no signature', [pack({ alg: 'none', typ: 'JWT' }), body, ''].join('.'), 'tokenForged'],
      ['another algorithm', [pack({ alg: 'HS256', typ: 'JWT' }), body, mark].join('.'), 'tokenForged'],
      ['nonsense', 'nonsense', 'tokenForged'],
      ['long nonsense', 'x.'.repeat(4000), 'tokenForged'],
      ['another class', await token('viewer', 'Gita', other), 'tokenOtherClass'],
      ['none', undefined, 'noIdentity'],
    ]) assert.equal(await open({ token: given, generation }).out(), code, `${what}, ${generation}.x`);
    assert.equal(await open({ token: good, generation }, 'nosuchclass').out(), 'tokenOtherClass');
    assert.equal(await open({ token: await kelas.token(id, 'viewer'), generation }).out(), 'nameNeeded');
    assert.equal(await open({ token: await kelas.token(id, 'viewer'), name: 'a\u0007', generation }).out(), 'nameInvalid');
  }
});

test('a guest without cookies comes back as the same guest', async () => {
  const invitation = await kelas.token(id, 'viewer');
  secrets.push(invitation);
  for (const generation of [4, 2]) {
    const hadi = await open({ token: invitation, name: 'Hadi', generation }).in();
    const { seat } = hadi.picture;
    secrets.push(seat);
    const stranger = await open({ token: invitation, name: 'Hadi', generation }).in();
    assert.notEqual(stranger.you.id, hadi.you.id, 'the same name is not the same person');
    hadi.close(); // the line, not the session
    const back = await open({ token: seat, generation, join: { session: hadi.session } }).in();
    assert.deepEqual([back.you.id, back.picture.resumed], [hadi.you.id, true]);
    const file = await upload(kelas.url, id, seat, 'hadi.txt', Buffer.from('halo'));
    assert.equal(file.status, 204, 'the seat is good for HTTP');
    assert.equal((await stranger.hears('file')).file.owner.id, hadi.you.id);
  }
  assert.equal((await enter('Ani')).picture.seat, undefined, 'a token for one person is enough');
});

test('attendance: every coming and going, as CSV, for the teacher alone', async () => {
  const csv = await eventually('the stays are written', async () => {
    const r = await fetch(`${kelas.url}/c/${id}/attendance.csv`, { headers: { cookie } });
    assert.equal(r.status, 200);
    assert.match(r.headers.get('content-type'), /^text\/csv/);
    const text = await r.text();
    return text.includes('Fani') && text.includes('Eka') && text;
  });
  const rows = csv.trim().split(/\r?\n/);
  assert.ok(rows.filter((r) => r.includes('Beno')).length >= 2, 'each stay has a line');
  assert.ok(rows.slice(1).every((r) => /\d\d:\d\d/.test(r)), csv);
  const student = await login(kelas.url, 'dewi', password);
  for (const headers of [{ cookie: student }, bearer('Ani')]) {
    assert.equal((await fetch(`${kelas.url}/c/${id}/attendance.csv`, { headers })).status, 403);
  }
  assert.notEqual((await fetch(`${kelas.url}/c/${id}/attendance.csv`, { redirect: 'manual' })).status, 200);
});

test('the end of the class is the end for all', async () => {
  const guru = await open({ cookie }).in();
  const all = [await enter('Ani'), await enter('Cici', 'viewer', 2), guru];
  assert.equal(await guru.code('endClass', {}), 'ok');
  for (const tab of all) await tab.hears('error', (e) => e.code === 'classEnded');
  await eventually('all are out', () => all.every((t) => !t.socket.connected));
  for (const generation of [4, 2]) assert.equal(await open({ token: tokens.Ani, generation }).out(), 'classEnded');
  const again = await open({ cookie }).in();
  assert.equal(again.picture.resumed, false);
  await enter('Ani');
});

test('the log has no secrets, no chat, no queries', () => {
  const log = kelas.log.split('\n').filter((l) => !l.includes('/setup?code=')).join('\n'); // standard output
  assert.ok(log.length > 2000, 'there is a log');
  for (const s of secrets) assert.ok(!log.includes(s), `the log has ${s.slice(0, 12)}...`);
  for (const words of ['hanya untuk Beno', 'kata kasar', 'dari tab pertama', 'catatan.txt', 'token=', '?', 'v=0', 'candidate:', 'Bearer', 'csrf']) {
    const line = log.split('\n').find((l) => l.includes(words));
    assert.equal(line, undefined, `the log has "${words}"`);
  }
});
