// What was acknowledged is never lost: clients write while the server is
// killed again and again; afterwards everything that it called stored is
// there, once, in the same order for everybody, and the uploads go on where
// their last acknowledged byte was.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { Kelas } from './kelas.mjs';
import { until } from './browsers.mjs';

let kelas, id;

before(async () => {
  kelas = await Kelas.start();
  await kelas.user('teacher', 'guru', 'a long enough password');
  id = await kelas.class('Durability', 'guru');
});
after(() => kelas?.stop());

/** A client of the protocol: joins, writes, remembers what became stored. */
class Writer {
  sent = 0;
  waiting = new Map(); // clientId -> text: to be sent again after a return
  stored = new Map(); // seq -> text
  own = new Map(); // seq -> text, accepted and not yet known as stored

  constructor(name, token) {
    this.name = name;
    this.socket = io(kelas.url, { transports: ['websocket'], auth: { class: id, token }, query: { class: id }, reconnectionDelay: 50, reconnectionDelayMax: 300, forceNew: true });
    this.socket.on('connect', () => this.join());
    this.socket.on('chatStored', ({ seq }) => this.storedUpTo(seq));
    this.socket.on('joined', (j) => this.joined(j));
  }

  join() {
    this.socket.emit('join', { session: this.session, lastSeq: this.upTo ?? 0 });
  }

  joined(j) {
    this.session = j.session;
    this.own.clear();
    this.storedUpTo(j.storedSeq);
    for (const [clientId, text] of this.waiting) this.emit(clientId, text);
  }

  say() {
    const clientId = `${this.name}-${++this.sent}`;
    const text = `${clientId} ${randomBytes(8).toString('hex')}`;
    this.waiting.set(clientId, text);
    if (this.socket.connected) this.emit(clientId, text);
  }

  emit(clientId, text) {
    this.socket.timeout(5000).emit('chat', { kind: 'message', text, clientId }, (err, answer) => {
      if (err || !answer.ok) return;
      this.waiting.delete(clientId);
      this.own.set(answer.entry.seq, { clientId, text });
      if (answer.entry.seq <= (this.upTo ?? 0)) this.storedUpTo(this.upTo);
    });
  }

  storedUpTo(seq) {
    this.upTo = Math.max(this.upTo ?? 0, seq);
    for (const [n, m] of this.own) {
      if (n <= seq) {
        this.stored.set(n, m.text);
        this.own.delete(n);
      }
    }
  }

  /** A killed server may have accepted without storing: those go again. */
  cut() {
    for (const { clientId, text } of this.own.values()) this.waiting.set(clientId, text);
    this.own.clear();
  }

  async history() {
    const all = [];
    let before = 0;
    for (;;) {
      const page = await this.socket.timeout(5000).emitWithAck('chatHistory', { before, limit: 100 });
      assert.ok(page.ok, JSON.stringify(page));
      // Only the sender sees its own clientId.
      all.unshift(...page.entries.map(({ clientId, ...entry }) => entry));
      if (!page.more || page.entries.length === 0) return all;
      before = page.entries[0].seq;
    }
  }
}

test('chat that was stored survives kill -9', { timeout: 240000 }, async (t) => {
  const writers = [];
  for (const name of ['Ani', 'Beno', 'Cici']) writers.push(new Writer(name, await kelas.token(id, 'viewer', name)));
  await Promise.all(writers.map((w) => until(`${w.name} joined`, () => w.session)));
  const chatter = setInterval(() => writers.forEach((w) => w.say()), 600);
  for (let round = 0; round < 4; round++) {
    const had = writers.map((w) => w.stored.size);
    await until('each has something more stored', () => writers.every((w, i) => w.stored.size > had[i] + 1), 60000);
    await kelas.kill();
    writers.forEach((w) => w.cut());
    await kelas.run();
    await until('all are back', () => writers.every((w) => w.socket.connected), 30000);
  }
  clearInterval(chatter);
  await until('nothing waits any more', () => writers.every((w) => w.waiting.size === 0 && w.own.size === 0), 60000);

  const log = await writers[0].history();
  const seqs = log.map((e) => e.seq);
  assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), 'in order');
  assert.equal(new Set(seqs).size, seqs.length, 'each number once');
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
  }
  assert.deepEqual(await writers[2].history(), log, 'the same for everybody');
  t.diagnostic(`${stored} stored messages over 4 kills, ${log.length} in the log, none lost`);
  writers.forEach((w) => w.socket.close());
});

test('an upload goes on after kill -9 from its last acknowledged byte', { timeout: 120000 }, async () => {
  const token = await kelas.token(id, 'viewer', 'Dodi');
  const socket = io(kelas.url, { transports: ['websocket'], auth: { class: id, token }, query: { class: id }, forceNew: true });
  let files = [];
  socket.on('connect', () => socket.emit('join', {}));
  socket.on('joined', (j) => { files = j.files; });
  await once(socket, 'joined');
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
  await until('listed', async () => {
    if (!socket.connected) return false;
    const a = await socket.timeout(5000).emitWithAck('files', {});
    if (a.ok) files = a.files;
    return files.length === 1;
  });
  const file = await fetch(new URL(files[0].url, kelas.url), { headers });
  assert.equal(file.status, 200);
  assert.match(file.headers.get('content-disposition'), /attachment/);
  assert.equal(createHash('sha256').update(Buffer.from(await file.arrayBuffer())).digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  await kelas.kill();
  await kelas.run();
  const again = await fetch(new URL(files[0].url, kelas.url), { headers, method: 'HEAD' });
  assert.equal(again.status, 200, 'and it is still there after another crash');
  socket.close();
});
