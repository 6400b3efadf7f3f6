// The Kurento protocol's messages over real sockets of the real program, and
// what the official client does by itself: its options, TLS, and its flaws,
// each with what went over the wire.
import { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { Kelas, freeTCP } from './kelas.mjs';
import { until } from './browsers.mjs';
import { startKelas, steps, kurentoClient } from './kurento-rig.mjs';

const require = createRequire(import.meta.url);
const manager = 'manager_ServerManager';
const token = 'a-token-for-kurento';
let kelas;
// The client writes every error that nobody takes by callback to the console.
console.trace = () => {};
console.warn = () => {};

before(async () => { kelas = await startKelas(['--kurento-collect-period', '5s', '--kurento-max-objects', '4', '--kurento-max-message', '8KiB', '--kurento-token', token]); });
after(() => kelas?.stop());

const step = steps(() => kelas);

/** A connection that says what a test tells it to, and keeps what it hears. */
class Raw {
  heard = [];
  next = 0;

  static async open(t, { path = '/kurento', query = `?access_token=${token}`, headers = {} } = {}) {
    const c = new Raw();
    c.ws = new WebSocket(kelas.kurento.replace('/kurento', path) + query, { headers });
    c.closed = new Promise((r) => { c.ws.on('close', (code, reason) => r({ code, reason: reason.toString() })); });
    c.ws.on('message', (data, binary) => c.heard.push(binary ? { binary } : JSON.parse(data)));
    t.after(() => c.ws.terminate());
    await once(c.ws, 'open');
    return c;
  }

  send(method, params, id = this.next++) {
    this.ws.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return id;
  }

  answer(id) { return until(`the answer to ${JSON.stringify(id)}`, () => this.heard.find((m) => m.method === undefined && m.id === id)); }

  async call(method, params) {
    const m = await this.answer(this.send(method, params));
    if (m.error) throw Object.assign(new Error(m.error.message), m.error);
    return m.result;
  }

  invoke(object, operation, operationParams) { return this.call('invoke', { object, operation, operationParams }).then((r) => r.value); }
  events(type) { return this.heard.filter((m) => m.method === 'onEvent' && m.params.value.type === type); }
}

step('frames, paths and ids', async (t) => {
  const c = await Raw.open(t);
  assert.equal(c.ws.protocol, '');
  assert.equal(c.ws.extensions, ''); // no compression, though it was offered
  for (const id of [7, -1, 1.5, 12345678901, 'text', '', true, null]) {
    c.heard.length = 0;
    c.send('ping', undefined, id);
    assert.deepEqual(await c.answer(id), { jsonrpc: '2.0', id, result: { value: 'pong' } });
  }
  for (const id of [{}, [], { a: 1 }]) {
    c.heard.length = 0;
    c.send('ping', undefined, id);
    assert.equal((await c.answer(null)).error.code, -32600);
  }
  c.heard.length = 0;
  c.ws.send(Buffer.from('{"jsonrpc":"2.0","id":"binary","method":"ping","params":null,"junk":{"a":[1]}}'), { binary: true });
  assert.deepEqual(await c.answer('binary'), { jsonrpc: '2.0', id: 'binary', result: { value: 'pong' } });
  const other = await Raw.open(t, { path: '/other' });
  assert.deepEqual(await other.closed, { code: 1002, reason: 'Invalid path' });
  const without = new WebSocket(kelas.kurento);
  without.on('error', () => {});
  const [request, res] = await once(without, 'unexpected-response');
  assert.equal(res.statusCode, 401);
  request.destroy();
});

step('answers in order behind slow work, events between them, others not held up', async (t) => {
  const [c, other] = [await Raw.open(t), await Raw.open(t)];
  const { value: pipeline } = await c.call('create', { type: 'MediaPipeline', properties: {} });
  const { value: element } = await c.call('create', { type: 'PassThrough', constructorParams: { mediaPipeline: pipeline }, properties: {} });
  await c.call('subscribe', { object: element, type: 'ElementConnected' });
  c.heard.length = 0;
  const slow = c.send('invoke', { object: manager, operation: 'getUsedCpu', operationParams: { interval: 4000 } });
  const behind = Array.from({ length: 10 }, () => c.send('invoke', { object: element, operation: 'getName' }));
  await other.invoke(element, 'connect', { sink: element, mediaType: 'VIDEO' });
  await until('the event comes', () => c.events('ElementConnected').length === 1);
  assert.equal(c.heard.length, 1, 'before the answer to what is slow');
  await c.answer(behind.at(-1));
  assert.deepEqual(c.heard.slice(1).map((m) => m.id), [slow, ...behind]);
});

step('a session outlives its socket for two periods, and its events follow it', async (t) => {
  const [a, b] = [await Raw.open(t), await Raw.open(t)];
  const { sessionId } = await a.call('connect');
  const { value: pipeline } = await a.call('create', { type: 'MediaPipeline' });
  await a.call('subscribe', { object: pipeline, type: 'Error' });
  const { value: element } = await a.call('create', { type: 'PassThrough', constructorParams: { mediaPipeline: pipeline } });
  await a.call('subscribe', { object: element, type: 'ElementConnected' });
  assert.equal((await b.call('connect', { sessionId })).sessionId, sessionId);
  await b.call('invoke', { object: element, operation: 'connect', operationParams: { sink: element, mediaType: 'AUDIO' } });
  await until('the event goes to who used it last', () => b.events('ElementConnected').length === 1);
  assert.equal(a.events('ElementConnected').length, 0);
  // A repeat, on whichever socket, is answered from memory.
  const params = { sessionId, type: 'PassThrough', constructorParams: { mediaPipeline: pipeline } };
  a.send('create', params, 'once');
  b.send('create', params, 'once');
  assert.deepEqual(await b.answer('once'), await a.answer('once'));
  assert.equal((await b.invoke(pipeline, 'getChildren')).length, 2);
  a.ws.close();
  b.ws.close();
  const c = await Raw.open(t);
  assert.equal((await c.call('describe', { object: manager })).type, 'ServerManager');
  const sessions = () => c.invoke(manager, 'getSessions');
  assert.ok((await sessions()).includes(sessionId), 'it is there without a socket');
  await until('it is collected', async () => !(await sessions()).includes(sessionId), 30000);
  await assert.rejects(c.call('connect', { sessionId }), { code: 40007, message: 'Invalid session' });
  await assert.rejects(c.call('describe', { object: element }), { code: 40101 });
  assert.equal((await sessions()).length, 1, 'the one with an open socket stays');
});

step('limits of a message and of a session', async (t) => {
  const c = await Raw.open(t);
  const { value: mediaPipeline } = await c.call('create', { type: 'MediaPipeline' });
  for (let i = 0; i < 3; i++) await c.call('create', { type: 'PassThrough', constructorParams: { mediaPipeline } });
  await assert.rejects(c.call('create', { type: 'PassThrough', constructorParams: { mediaPipeline } }), { code: 40009 });
  const big = await Raw.open(t);
  big.send('ping', { x: 'x'.repeat(9000) });
  assert.equal((await big.closed).code, 1009);
  await c.call('release', { object: mediaPipeline });
});

/** Stands between client and server and writes down what they say. */
async function listen(t, { hold = () => 0 } = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => { for (const c of server.clients) c.terminate(); server.close(); });
  const heard = { uri: `ws://127.0.0.1:${server.address().port}/kurento`, asked: [], answered: [], urls: [] };
  server.on('connection', (down, req) => {
    heard.urls.push(req.url);
    const up = new WebSocket(kelas.kurento.replace('/kurento', req.url));
    const open = new Promise((r) => { up.on('open', r); });
    up.on('error', () => {}); // it is closed too, and that ends the other
    down.on('message', async (m) => {
      heard.asked.push(JSON.parse(m));
      await open;
      up.send(m.toString());
    });
    up.on('message', (m) => {
      const message = JSON.parse(m);
      heard.answered.push(message);
      const wait = hold(message);
      if (wait === Infinity) down.terminate(); // lost on the way
      else setTimeout(() => down.send(m.toString()), wait);
    });
    down.on('close', () => up.terminate());
    up.on('close', () => down.terminate());
  });
  return heard;
}

// It keeps a timer for each answer, and so the process alive.
const withToken = { access_token: token, duplicates_timeout: 100 };
const soon = (promise) => Promise.race([promise, new Promise((r) => { setTimeout(r, 1000, 'nothing'); })]);

step('the client: parents of a port that createHubPort made are never told, though the server answers', async (t) => {
  const wire = await listen(t);
  const client = await kurentoClient(wire.uri, { ...withToken });
  t.after(() => client.close());
  const pipeline = await client.create('MediaPipeline');
  const hub = await pipeline.create('Dispatcher');
  const port = await hub.createHubPort();
  for (const ask of [() => port.getParent(), () => new Promise((resolve) => port.getParent((_, parent) => resolve(parent)))]) {
    wire.asked.length = wire.answered.length = 0;
    // It lacks the listener that makes objects of ids.
    assert.equal(port.listenerCount('_describe'), 0);
    assert.equal(await soon(ask()), 'nothing');
    assert.deepEqual(wire.asked.map((m) => [m.method, m.params.operation]), [['invoke', 'getParent']]);
    assert.deepEqual(wire.answered.map((m) => m.result.value), [hub.id]);
  }
  // Made the other way it has one, and the answer is used.
  const other = await client.create('HubPort', { hub });
  assert.equal((await other.getParent()).id, hub.id);
  assert.equal((await other.getMediaPipeline()).id, pipeline.id);
  await pipeline.release();
});

step('the client: retries make nothing twice', async (t) => {
  const wire = await listen(t, { hold: (m) => (m.result?.value?.endsWith?.('MediaPipeline') ? 3000 : 0) });
  const client = await kurentoClient(wire.uri, { ...withToken, max_retries: 3, request_timeout: 2000 });
  t.after(() => client.close());
  const before = (await client.getServerManager().then((m) => m.getPipelines())).length;
  const pipeline = await client.create('MediaPipeline');
  const creates = wire.asked.filter((m) => m.method === 'create');
  assert.ok(creates.length > 1, 'it asked again');
  assert.equal(new Set(creates.map((m) => m.id)).size, 1);
  assert.equal((await client.getServerManager().then((m) => m.getPipelines())).length, before + 1);
  await until('each was answered, with the same', () => {
    const same = wire.answered.filter((m) => m.id === creates[0].id);
    return same.length === creates.length && same.every((m) => m.result.value === pipeline.id);
  });
  await pipeline.release();
});

step('the client: an answer that was lost with its socket is told again over the next one', async (t) => {
  let lost = 0;
  const wire = await listen(t, { hold: (m) => (m.result?.value?.endsWith?.('PassThrough') && lost++ === 0 ? Infinity : 0) });
  const client = await kurentoClient(wire.uri, { ...withToken, max_retries: 3, request_timeout: 2000 });
  t.after(() => client.close());
  const pipeline = await client.create('MediaPipeline');
  const back = [];
  client.on('reconnected', (same) => back.push(same));
  const element = await pipeline.create('PassThrough');
  assert.deepEqual(back, [true]);
  const asked = wire.asked.filter((m) => m.method === 'create' && m.params.type === 'PassThrough');
  assert.ok(asked.length > 1);
  for (const again of asked) assert.deepEqual(again, asked[0]);
  const answered = wire.answered.filter((m) => m.id === asked[0].id);
  assert.deepEqual(new Set(answered.map((m) => m.result.value)), new Set([element.id]));
  assert.deepEqual((await pipeline.getChildren()).map((o) => o.id), [element.id]);
  await pipeline.release();
});

step('the client: its other options', async (t) => {
  const wire = await listen(t);
  // access_token goes into the address; without strict nothing is described first.
  const loose = await kurentoClient(wire.uri, { ...withToken, strict: false });
  t.after(() => loose.close());
  assert.deepEqual(wire.urls, [`/kurento?access_token=${token}`]);
  assert.ok(!wire.asked.some((m) => m.method === 'describe'));
  const first = await loose.create('MediaPipeline');
  assert.equal(wire.asked.at(-1).params.sessionId, undefined);
  assert.ok(wire.answered.at(-1).result.sessionId);
  await first.release();
  // Calls of one turn become one transaction.
  const implicit = await kurentoClient(wire.uri, { ...withToken, useImplicitTransactions: true });
  t.after(() => implicit.close());
  const pipeline = await implicit.create('MediaPipeline');
  const [a, b] = await Promise.all([pipeline.create('PassThrough'), pipeline.create('PassThrough')]);
  assert.equal(wire.asked.at(-1).method, 'transaction');
  assert.deepEqual((await pipeline.getChildren()).map((o) => o.id).sort(), [a.id, b.id].sort());
  await pipeline.release();
  // failAfter acts in a fork of reconnect-ws that the registry has not: with
  // the registry's the client tries for ever.
  const nobody = `ws://127.0.0.1:${await freeTCP()}/kurento`;
  const tries = [];
  const failing = kurentoClient(nobody, { failAfter: 1 });
  failing._re.on('reconnect', (n) => tries.push(n));
  await until('it tries more often than it was told', () => tries.length > 3);
  failing._re.disconnect();
});

step('the client over TLS on a port of the protocol\'s own', async (t) => {
  const port = await freeTCP();
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // of the rig's look whether it is ready
  const secure = await Kelas.start(['--tls', 'self-signed', '--kurento-tls-addr', `127.0.0.1:${port}`], { scheme: 'https' });
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  t.after(() => secure.stop());
  const ca = await readFile(join(secure.dir, 'tls', 'self-signed.crt'));
  const client = await kurentoClient(`wss://127.0.0.1:${port}/kurento`, { socket: { ca }, duplicates_timeout: 100 });
  t.after(() => client.close());
  const pipeline = await client.create('MediaPipeline');
  const endpoint = await pipeline.create('WebRtcEndpoint');
  assert.match(await endpoint.generateOffer(), /^v=0/);
  await pipeline.release();
});

step('the documents, describe and the client\'s packages have the same classes', async (t) => {
  const client = await kurentoClient(kelas.kurento, { ...withToken });
  t.after(() => client.close());
  const server = await client.getServerManager();
  const known = {};
  for (const module of ['core', 'elements', 'filters']) {
    for (const c of JSON.parse(await server.getKmd(module)).remoteClasses) known[c.name] = c;
  }
  const line = (name) => (name ? [name, ...line(known[name].extends)] : []);
  const raw = await Raw.open(t);
  const { value: mediaPipeline } = await raw.call('create', { type: 'MediaPipeline' });
  let compared = 0;
  for (const pkg of ['core', 'elements', 'filters']) {
    const module = require(`kurento-client-${pkg}`);
    for (const [name, Class] of Object.entries({ ...module, ...module.abstracts })) {
      if (!Class.constructorParams) continue; // no class of objects
      const mine = known[name];
      if (!mine) { // what is not there says so
        await assert.rejects(raw.call('create', { type: name, constructorParams: { mediaPipeline } }), { code: 40006 }, name);
        continue;
      }
      compared++;
      const theirs = [];
      for (let C = Class; C.name !== 'EventEmitter'; C = C.super_) theirs.push(C.name);
      assert.deepEqual(line(name), theirs);
      if (!mine.abstract) {
        const params = Object.entries(Class.constructorParams).map(([n, p]) => `${n} ${p.type.replace('kurento.', '')} ${p.required ? '' : '?'}`);
        assert.deepEqual(mine.constructor.params.map((p) => `${p.name} ${p.type} ${p.optional ? '?' : ''}`).sort(), params.sort(), name);
      }
      // README: keys are good for longer than any session, so there is no such event.
      const events = Class.events.filter((e) => e !== 'OnKeySoftLimit');
      const told = new Set(line(name).flatMap((n) => known[n].events ?? []));
      assert.deepEqual(events.filter((e) => !told.has(e)), [], name);
    }
  }
  assert.ok(compared > 15, `${compared} classes`);
  const { value: hub } = await raw.call('create', { type: 'Dispatcher', constructorParams: { mediaPipeline } });
  const { value: port } = await raw.call('create', { type: 'HubPort', constructorParams: { hub } });
  for (const [object, name] of [[manager, 'ServerManager'], [mediaPipeline, 'MediaPipeline'], [hub, 'Dispatcher'], [port, 'HubPort']]) {
    const { type, qualifiedType, hierarchy } = await raw.call('describe', { object });
    assert.deepEqual([type, qualifiedType, hierarchy], [name, `kurento.${name}`, line(name).slice(1).map((n) => `kurento.${n}`)]);
  }
  await raw.call('release', { object: mediaPipeline });
});

step('the client in strict mode: its own objects, and nobody else\'s', async (t) => {
  const strict = await startKelas(['--kurento-strict']);
  t.after(() => strict.stop());
  const [mine, theirs] = await Promise.all([0, 1].map(() => kurentoClient(strict.kurento, { duplicates_timeout: 100 })));
  t.after(() => { mine.close(); theirs.close(); });
  const [pipeline, other] = [await mine.create('MediaPipeline'), await theirs.create('MediaPipeline')];
  const element = await pipeline.create('PassThrough');
  assert.equal((await element.getParent()).id, pipeline.id);
  const failure = (client, id) => new Promise((resolve) => client.getMediaobjectById(id, resolve));
  for (const id of [pipeline.id, element.id]) {
    const error = await failure(theirs, id);
    assert.ok(error instanceof ReferenceError, String(error));
    assert.equal(error.code, 40101);
  }
  const list = async (client) => (await (await client.getServerManager()).getPipelines()).map((p) => p.id);
  assert.deepEqual(await list(mine), [pipeline.id]);
  assert.deepEqual(await list(theirs), [other.id]);
  // Given to the other by its id it is still out of reach.
  const own = await other.create('PassThrough');
  const error = await new Promise((resolve) => own._invoke(undefined, 'connect', { sink: element.id }, resolve));
  assert.equal(error.code, 40101);
  await pipeline.release();
  await other.release();
});

for (const args of [[], ['--kurento-strict']]) {
  step(`the client when the server was killed and came back${args.length ? ' in strict mode' : ''}: all is gone, and it goes on`, async (t) => {
    const other = await startKelas(args);
    t.after(() => other.stop());
    const client = await kurentoClient(other.kurento, { duplicates_timeout: 100 });
    t.after(() => client.close());
    const lost = await client.create('MediaPipeline');
    const back = [];
    client.on('reconnected', (same) => back.push(same));
    await other.kill();
    await other.run();
    await until('it is back, in no session', () => back.length === 1);
    assert.deepEqual(back, [false]);
    // It keeps the old session's id until an answer tells it another.
    const pipeline = await client.create('MediaPipeline');
    assert.notEqual(pipeline.id, lost.id);
    const element = await pipeline.create('PassThrough');
    element.on('ElementConnected', () => back.push('connected'));
    await element.connect(element, 'VIDEO');
    await until('its events come', () => back.length === 2);
    assert.deepEqual((await pipeline.getChildren()).map((o) => o.id), [element.id]);
    await pipeline.release();
  });
}
