// What was acknowledged is never lost: clients write while the server is
// killed again and again; afterwards everything that it called stored is
// there, once, in the same order for everybody, and the uploads go on where
// their last acknowledged byte was.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Kelas } from './kelas.mjs';
import { Tab, eventually, login, sleep, upload } from './clients.mjs';

let kelas, id;

before(async () => {
  kelas = await Kelas.start();
  await kelas.user('teacher', 'guru', 'a long enough password');
  id = await kelas.class('Durability', 'guru');
});
after(() => kelas?.stop());

/** A client that follows section 6 of the protocol: what it says goes again until it is stored. */
class Writer extends Tab {
  sent = 0;
  waiting = new Map(); // clientId -> text: to be sent, or sent again
  own = new Map(); // seq -> {clientId, text}: accepted, not yet known as stored
  stored = new Map(); // seq -> text
  lastSeq = 0;
  resumed = []; // of each joining

  constructor(name, token, generation) {
    super(kelas.url, id, { token, generation, reconnect: true });
    this.name = name;
  }

  hear(event, body) {
    super.hear(event, body);
    if (event === 'chatStored') this.storedUpTo(body.seq);
    if (event !== 'joined') return;
    this.resumed.push(body.resumed);
    // A server that was started anew may have accepted without storing.
    if (!body.resumed) {
      for (const { clientId, text } of this.own.values()) this.waiting.set(clientId, text);
      this.own.clear();
    }
    this.storedUpTo(body.storedSeq);
    for (const [clientId, text] of this.waiting) this.write(clientId, text);
  }

  storedUpTo(seq) {
    this.lastSeq = Math.max(this.lastSeq, seq);
    for (const [n, m] of this.own) {
      if (n > this.lastSeq) continue;
      this.stored.set(n, m.text);
      this.own.delete(n);
    }
  }

  speak() {
    const clientId = `${this.name}-${++this.sent}`;
    const text = `${clientId} ${randomBytes(8).toString('hex')}`;
    this.waiting.set(clientId, text);
    if (this.socket.connected) this.write(clientId, text);
  }

  write(clientId, text) {
    this.socket.emit('chat', { text, clientId }, (answer) => {
      if (!answer.ok) return;
      this.waiting.delete(clientId);
      this.own.set(answer.entry.seq, { clientId, text });
      this.storedUpTo(this.lastSeq);
    });
  }
}

test('chat that was stored survives kill -9', { timeout: 240000 }, async (t) => {
  const writers = [];
  for (const [name, generation] of [['Ani', 4], ['Beno', 2], ['Cici', 4], ['Dewi', 2]]) {
    writers.push(new Writer(name, await kelas.token(id, 'viewer', name), generation));
  }
  await Promise.all(writers.map((w) => w.in()));
  const chatter = setInterval(() => writers.forEach((w) => w.speak()), 550);
  const rounds = 8;
  for (let round = 0; round < rounds; round++) {
    const had = writers.map((w) => w.stored.size);
    await eventually('each has something more stored', () => writers.every((w, i) => w.stored.size > had[i]), 60000);
    await sleep(Math.random() * 600); // at any moment
    await kelas.kill();
    await kelas.run();
    await eventually('all are back', () => writers.every((w) => w.resumed.length > round + 1), 30000);
  }
  clearInterval(chatter);
  // What was refused as too fast goes again at the next joining; say it now.
  await eventually('nothing waits any more', async () => {
    for (const w of writers) {
      for (const [clientId, text] of w.waiting) w.write(clientId, text);
    }
    await sleep(1000);
    return writers.every((w) => w.waiting.size === 0 && w.own.size === 0);
  }, 60000);

  const bare = (pages) => pages.flat().map(({ clientId, ...entry }) => entry);
  const log = bare(await writers[0].history(100));
  const seqs = log.map((e) => e.seq);
  assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), 'in order, each number once');
  const text = new Map(log.map((e) => [e.seq, e.text]));
  let stored = 0;
  for (const w of writers) {
    for (const [seq, said] of w.stored) {
      assert.equal(text.get(seq), said, `${w.name}'s message ${seq}`);
      stored++;
    }
    const own = log.filter((e) => e.text.startsWith(`${w.name}-`)).map((e) => e.text);
    assert.equal(new Set(own).size, own.length, `${w.name}: nothing twice`);
    assert.equal(own.length, w.sent, `${w.name}: everything that was said is there`);
    assert.deepEqual(bare(await w.history(100)), log, 'the same for everybody');
  }
  t.diagnostic(`${stored} stored messages over ${rounds} kills, ${log.length} in the log, none lost`);
  writers.forEach((w) => w.close());
});

for (const generation of [4, 2]) {
  test(`a cut line resumes, a restarted server is joined anew, ${generation}.x`, { timeout: 60000 }, async () => {
    const name = `Rani ${generation}`;
    const rani = new Writer(name, await kelas.token(id, 'viewer', name), generation);
    const other = new Writer('Tono', await kelas.token(id, 'viewer', 'Tono'), generation);
    await Promise.all([rani.in(), other.in()]);
    const { session, you } = rani;
    // The line breaks under the client's feet, and what is said is missed.
    rani.socket.io.engine.transport.ws.terminate?.() ?? rani.socket.io.engine.close();
    await other.say('while Rani is away');
    await eventually('back', () => rani.resumed.length === 2);
    assert.deepEqual([rani.resumed[1], rani.session, rani.you.id], [true, session, you.id]);
    await eventually('caught up', () => [...rani.picture.chat.map((e) => e.text), ...rani.texts()].includes('while Rani is away'));
    assert.equal(other.all('participantLeft').filter((p) => p.id === you.id).length, 0, 'nobody saw it leave');

    // A graceful restart: told before, the same person after, with the history.
    const told = [...new Set(rani.texts())];
    kelas.child.kill('SIGTERM');
    await rani.hears('serverClosing');
    await kelas.exited;
    await kelas.run();
    await eventually('back', () => rani.resumed.length === 3 && other.resumed.length === 2, 30000);
    assert.deepEqual([rani.resumed[2], rani.you.id], [false, you.id]);
    await other.say('after the restart');
    await rani.hears('chat', (c) => c.entry.text === 'after the restart');
    const texts = (await rani.history()).flat().map((e) => e.text);
    for (const text of told) assert.ok(texts.includes(text));
    rani.close();
    other.close();
  });
}

test('an upload goes on after kill -9 from its last acknowledged byte', { timeout: 120000 }, async () => {
  const token = await kelas.token(id, 'viewer', 'Dodi');
  const dodi = await new Tab(kelas.url, id, { token, reconnect: true }).in();
  const bytes = randomBytes(9 << 20);
  const headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  const created = await fetch(`${kelas.url}/c/${id}/uploads`, { method: 'POST',
    headers: { ...headers, 'upload-length': `${bytes.length}`, 'upload-metadata': `filename ${Buffer.from('tugas.bin').toString('base64')}` } });
  assert.equal(created.status, 201, await created.text());
  const url = new URL(created.headers.get('location'), kelas.url);
  let offset = 0;
  for (let part = 0; offset < bytes.length; part++) {
    const r = await fetch(url, { method: 'PATCH', body: bytes.subarray(offset, offset + (3 << 20)),
      headers: { ...headers, 'upload-offset': `${offset}`, 'content-type': 'application/offset+octet-stream' } });
    assert.equal(r.status, 204, await r.text());
    offset = Number(r.headers.get('upload-offset'));
    if (part < 2) {
      await kelas.kill();
      await kelas.run();
      const head = await fetch(url, { method: 'HEAD', headers });
      assert.equal(Number(head.headers.get('upload-offset')), offset, 'no acknowledged byte is lost');
    }
  }
  const files = await eventually('listed', async () => {
    if (!dodi.socket.connected) return false;
    const answer = await dodi.ask('files').catch(() => ({}));
    return answer.files?.length === 1 && answer.files;
  });
  const file = await fetch(new URL(files[0].url, kelas.url), { headers });
  assert.equal(file.status, 200);
  assert.match(file.headers.get('content-disposition'), /attachment/);
  assert.equal(createHash('sha256').update(Buffer.from(await file.arrayBuffer())).digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  await kelas.kill();
  await kelas.run();
  const again = await fetch(new URL(files[0].url, kelas.url), { headers, method: 'HEAD' });
  assert.equal(again.status, 200, 'and it is still there after another crash');
  dodi.close();
});

test('what was answered with yes is so after kill -9 in the same moment', { timeout: 120000 }, async () => {
  const cls = await kelas.class('Decisions', 'guru');
  const cookie = await login(kelas.url, 'guru', 'a long enough password');
  const token = await kelas.token(cls, 'viewer', 'Fitri');
  const crash = async () => { await kelas.kill(); await kelas.run(); };
  const guru = async () => new Tab(kelas.url, cls, { cookie }).in();
  const fitri = async () => new Tab(kelas.url, cls, { token }).in();
  /** Does it with both present, crashes at the answer, and comes back. */
  const yes = async (event, body) => {
    const [g, f] = [await guru(), await fitri()];
    const answer = await g.ask(event, body(f.you));
    await crash();
    assert.ok(answer.ok, `${event}: ${JSON.stringify(answer)}`);
    g.close();
    f.close();
  };
  await yes('setRole', (f) => ({ participant: f.id, role: 'moderator' }));
  assert.equal((await fitri()).you.role, 'moderator');
  await yes('lock', () => ({ locked: true }));
  assert.equal((await guru()).picture.class.locked, true);

  await fitri();
  const bytes = randomBytes(200000);
  const done = await upload(kelas.url, cls, token, 'a.bin', bytes);
  await crash();
  const file = done.headers.get('kelas-file-id');
  const get = () => fetch(`${kelas.url}/c/${cls}/files/${file}`, { headers: { authorization: `Bearer ${token}` } });
  assert.ok(Buffer.from(await (await get()).arrayBuffer()).equals(bytes), 'the file');
  await yes('fileDelete', () => ({ id: file }));
  await fitri();
  assert.equal((await get()).status, 404);

  await yes('remove', (f) => ({ participant: f.id }));
  assert.equal(await new Tab(kelas.url, cls, { token }).out(), 'removed');
  const g = await guru();
  assert.ok((await g.ask('endClass')).ok);
  await crash();
  assert.equal(await new Tab(kelas.url, cls, { token: await kelas.token(cls, 'moderator', 'Gani') }).out(), 'classEnded');

  // The commands' answers, and the pages'.
  const [later] = await Promise.all([kelas.class('Later', 'guru')]);
  await crash();
  await new Tab(kelas.url, later, { cookie }).in().then((t) => t.close());
});

test('200 MB go up and down in constant memory', { timeout: 120000 }, async (t) => {
  const token = await kelas.token(id, 'viewer', 'Hana');
  const hana = await new Tab(kelas.url, id, { token }).in();
  const peak = async () => Number((await readFile(`/proc/${kelas.child.pid}/status`, 'utf8')).match(/VmHWM:\s+(\d+)/)[1]) / 1024;
  const bytes = Buffer.alloc(200 << 20, 'kelas 8B ');
  const before = await peak();
  const done = await upload(kelas.url, id, token, 'besar.bin', bytes, bytes.length); // one request
  assert.equal(done.status, 204);
  const got = await fetch(`${kelas.url}/c/${id}/files/${done.headers.get('kelas-file-id')}`, { headers: { authorization: `Bearer ${token}` } });
  const hash = createHash('sha256');
  for await (const part of got.body) hash.update(part);
  assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  const grown = await peak() - before;
  t.diagnostic(`the server's peak grew by ${grown.toFixed(1)} MB`);
  assert.ok(grown < 40, `${grown} MB`);
  hana.close();
});
