// What kurento-client calls beside the tutorials: start-up, names, tags,
// transactions both ways, errors, its events after a release, data channels,
// offers by the server, hubs, and a socket that is lost.
import { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { chromium, grows, inbound, until } from './browsers.mjs';
import { startKelas, servePage, Person, kurentoClient, Candidates, steps } from './kurento-rig.mjs';
import { App, HelloWorld } from './kurento-apps.mjs';

const require = createRequire(import.meta.url);
let kelas, chrome, site, client;
// The client writes every error that nobody takes by callback to the console.
console.trace = () => {};

before(async () => {
  kelas = await startKelas(['--kurento-collect-period', '3s']);
  chrome = await chromium();
  site = await servePage();
  client = await kurentoClient(kelas.kurento);
});

after(async () => {
  client?.close();
  await chrome?.close();
  site?.close();
  await kelas?.stop();
});

const step = steps(() => kelas);

/** Calls with a callback, the only way to see an error in full. */
const failure = (object, method, ...args) => new Promise((resolve) => object[method](...args, (error) => resolve(error)));

step('the server manager: what it is, what it has, what it tells', async () => {
  const manager = await client.getServerManager();
  const info = await manager.getInfo();
  assert.equal(info.type, 'KMS');
  assert.match(info.version, /^7\.3\.0/);
  assert.deepEqual(info.modules.map((m) => m.name).sort(), ['core', 'elements', 'filters']);
  assert.ok(info.modules.find((m) => m.name === 'elements').factories.includes('WebRtcEndpoint'));
  assert.deepEqual(info.capabilities, ['transactions']);
  assert.equal(JSON.parse(await manager.getKmd('core')).name, 'core');
  assert.equal((await failure(manager, 'getKmd', 'chroma')).code, 40500);
  assert.ok(await manager.getCpuCount() >= 1);
  assert.ok(await manager.getUsedCpu(50) >= 0);
  assert.ok(await manager.getUsedMemory() > 1000);
  assert.equal(await manager.getMetadata(), '');
  assert.ok((await manager.getSessions()).includes(client.sessionId) || (await manager.getSessions()).length > 0);
  const created = [];
  const destroyed = [];
  manager.on('ObjectCreated', (e) => created.push(e.object.id ?? e.object));
  manager.on('ObjectDestroyed', (e) => destroyed.push(e.objectId));
  await manager.getName(); // the subscriptions are there
  const pipeline = await client.create('MediaPipeline');
  await until('ObjectCreated', () => created.includes(pipeline.id));
  assert.deepEqual((await manager.getPipelines()).map((p) => p.id), [pipeline.id]);
  await pipeline.release();
  await until('ObjectDestroyed', () => destroyed.includes(pipeline.id));
  manager.removeAllListeners('ObjectCreated');
  manager.removeAllListeners('ObjectDestroyed');
});

step('every operation of the client is there or says that it is not', async () => {
  const known = new Map(); // by class: its operations
  const manager = await client.getServerManager();
  for (const module of ['core', 'elements', 'filters']) {
    for (const c of JSON.parse(await manager.getKmd(module)).remoteClasses) {
      const ops = new Set((c.methods ?? []).map((m) => m.name));
      for (const p of c.properties ?? []) {
        const title = p.name[0].toUpperCase() + p.name.slice(1);
        ops.add(`get${title}`);
        if (!p.readOnly && !p.final) ops.add(`set${title}`);
      }
      known.set(c.name, ops);
    }
  }
  const pipeline = await client.create('MediaPipeline');
  const hub = await pipeline.create('Dispatcher');
  // One object of every type that can be made, and what is refused.
  const objects = { MediaPipeline: pipeline, Dispatcher: hub, HubPort: await hub.createHubPort(), ServerManager: manager };
  for (const type of ['PassThrough', 'WebRtcEndpoint', 'DispatcherOneToMany']) objects[type] = await pipeline.create(type);
  const refused = ['Composite', 'Mixer', 'AlphaBlending', 'HttpPostEndpoint', 'FaceOverlayFilter', 'ImageOverlayFilter', 'ZBarFilter'];
  for (const type of refused) {
    await assert.rejects(pipeline.create(type), { code: 40006 }, type);
  }
  await assert.rejects(pipeline.create('GStreamerFilter', { command: 'videoflip' }), { code: 40006 });
  // The client makes these out of other calls, or by itself.
  const own = new Set(['constructor', 'release', 'then', 'catch', 'createHubPort', 'connect']);
  const classes = Object.assign({}, ...['core', 'elements'].map((name) => {
    const module = require(`kurento-client-${name}`);
    return { ...module, ...module.abstracts };
  }));
  let checked = 0;
  for (const [type, object] of Object.entries(objects)) {
    for (let proto = classes[type].prototype; known.has(proto.constructor.name); proto = Object.getPrototypeOf(proto)) {
      const cls = proto.constructor.name;
      for (const name of Object.getOwnPropertyNames(proto)) {
        if (own.has(name) || name.startsWith('_') || typeof Object.getOwnPropertyDescriptor(proto, name).value !== 'function') continue;
        checked++;
        if (known.get(cls)?.has(name)) continue;
        const error = await new Promise((resolve) => object._invoke(undefined, name, resolve));
        assert.equal(error?.code, 40006, `${type}: ${cls}.${name}: ${error?.message}`);
        assert.ok(error.message.length > 40, error.message);
      }
    }
  }
  assert.ok(checked > 150, `${checked} operations looked at`);
  await pipeline.release();
  // Every class that the packages have is in the table.
  for (const pkg of ['core', 'elements', 'filters']) {
    const dir = join(dirname(require.resolve(`kurento-client-${pkg}`)));
    for (const file of await readdir(dir)) {
      const type = file.replace('.js', '');
      if (/^[A-Z]/.test(type)) assert.ok(known.has(type) || refused.includes(type) || type === 'GStreamerFilter', type);
    }
  }
});

step('names, tags, children and connections', async () => {
  const pipeline = await client.create('MediaPipeline');
  const [a, b] = [await pipeline.create('WebRtcEndpoint'), await pipeline.create('PassThrough')];
  assert.equal(await a.getName(), a.id);
  await a.setName('camera');
  assert.equal(await a.getName(), 'camera');
  await a.addTag('seat', '7');
  assert.equal(await a.getTag('seat'), '7');
  assert.deepEqual((await a.getTags()).map((x) => [x.key, x.value]), [['seat', '7']]);
  await a.removeTag('seat');
  assert.equal((await failure(a, 'getTag', 'seat')).code, 40110);
  assert.equal((await a.getMediaPipeline()).id, pipeline.id);
  assert.equal((await a.getParent()).id, pipeline.id);
  assert.deepEqual((await pipeline.getChildren()).map((o) => o.id), [a.id, b.id]);
  assert.ok(Math.abs(await a.getCreationTime() - Date.now() / 1000) < 60);
  const told = [];
  await a.setSendTagsInEvents(true);
  await a.addTag('room', '8');
  a.on('ElementConnected', (e) => told.push(e));
  a.on('ElementDisconnected', (e) => told.push(e));
  await a.connect(b);
  await until('ElementConnected for each type', () => told.length === 3);
  assert.deepEqual(told.map((e) => e.mediaType).sort(), ['AUDIO', 'DATA', 'VIDEO']);
  assert.equal(told[0].tags[0].value, '8');
  await a.connect(b, 'AUDIO');
  const links = await b.getSourceConnections('VIDEO');
  assert.equal(links.length, 1);
  assert.equal(links[0].sourceDescription, 'default');
  assert.equal((await a.getSinkConnections()).length, 3);
  assert.equal(await a.isMediaFlowingOut('VIDEO'), false);
  assert.equal(await b.isMediaFlowingIn('VIDEO'), false);
  assert.equal(await a.isMediaTranscoding('VIDEO'), false);
  assert.match(await pipeline.getGstreamerDot(), /^digraph [\s\S]*-> /);
  await a.disconnect(b);
  await a.disconnect(b);
  await until('ElementDisconnected for each type', () => told.length === 6);
  const other = await (await client.create('MediaPipeline')).create('PassThrough');
  assert.equal((await failure(a, 'connect', other)).code, 40004);
  await (await other.getMediaPipeline()).release();
  // Listeners are withdrawn after the release; an error then would end this process.
  await pipeline.release();
  await pipeline.release();
  assert.equal((await failure(client, 'getMediaobjectById', a.id)).constructor, ReferenceError);
});

step('transactions, explicit and implicit', async (t) => {
  const tx = client.beginTransaction();
  const pipeline = client.create(tx, 'MediaPipeline');
  const first = pipeline.create(tx, 'PassThrough');
  const second = pipeline.create(tx, 'PassThrough');
  first.setName(tx, 'first', () => {}); // connect(tx, ...) of this client escapes the transaction
  await new Promise((resolve, reject) => tx.commit((error) => (error ? reject(error) : resolve())));
  assert.match(first.id, /_kurento\.PassThrough$/);
  assert.match(second.id, /_kurento\.PassThrough$/);
  assert.equal(await first.getName(), 'first');
  await pipeline.release();

  const implicit = await kurentoClient(kelas.kurento, { useImplicitTransactions: true });
  t.after(() => implicit.close());
  const p = await implicit.create('MediaPipeline');
  const [a, b, c] = await Promise.all(['PassThrough', 'PassThrough', 'PassThrough'].map((type) => p.create(type)));
  const names = await Promise.all([a, b, c].map((o) => o.getName()));
  assert.deepEqual(names, [a.id, b.id, c.id]);
  await p.release();
});

step('a second offer is refused, and what cannot be read leaves the endpoint usable', async (t) => {
  const app = new HelloWorld(kelas.kurento);
  const me = await Person.open(chrome, site.url, 'me', app);
  t.after(async () => {
    await me.close();
    app.close();
  });
  const pipeline = await client.create('MediaPipeline');
  const endpoint = await pipeline.create('WebRtcEndpoint');
  assert.equal((await failure(endpoint, 'processAnswer', 'v=0')).code, 40209);
  assert.equal((await failure(endpoint, 'processOffer', 'nonsense')).code, 40201);
  assert.equal((await failure(endpoint, 'getLocalSessionDescriptor')).code, 40202);
  assert.equal((await failure(endpoint, 'getRemoteSessionDescriptor')).code, 40203);
  assert.equal((await failure(endpoint, 'requestKeyframe')).code, 40111);
  const offer = await me.offer('sendrecv');
  const answer = await endpoint.processOffer(offer);
  assert.equal(await endpoint.getLocalSessionDescriptor(), answer);
  assert.equal(await endpoint.getRemoteSessionDescriptor(), offer);
  assert.equal((await failure(endpoint, 'processOffer', offer)).code, 40208);
  assert.equal((await failure(endpoint, 'generateOffer')).code, 40208);
  await pipeline.release();
});

/** Everything that an endpoint tells, in order. */
function listen(endpoint) {
  const told = [];
  for (const type of ['IceComponentStateChanged', 'IceGatheringDone', 'IceCandidateFound', 'NewCandidatePairSelected', 'DtlsConnectionStateChange',
    'ConnectionStateChanged', 'MediaStateChanged', 'MediaFlowInStateChanged', 'MediaFlowOutStateChanged', 'MediaSessionStarted', 'MediaSessionTerminated',
    'DataChannelOpened', 'DataChannelClosed', 'MediaTranscodingStateChanged']) endpoint.on(type, (e) => told.push({ ...e, event: type }));
  return told;
}

step('states, statistics, and data channels both ways', async (t) => {
  class Both extends App {
    async message(_, m) { if (m.id === 'onIceCandidate') await this.candidates.take('me', this.endpoint, m.candidate); }
  }
  const app = new Both(kelas.kurento);
  const me = await Person.open(chrome, site.url, 'me', app);
  t.after(() => me.close());
  const pipeline = await client.create('MediaPipeline');
  const endpoint = await pipeline.create('WebRtcEndpoint', { useDataChannels: true });
  app.candidates = new Candidates();
  app.endpoint = endpoint;
  const told = listen(endpoint);
  app.tellCandidates(me, endpoint);
  await endpoint.connect(endpoint);
  const offer = await me.offer('sendrecv', { data: 'whiteboard' });
  const answer = await endpoint.processOffer(offer);
  assert.doesNotMatch(answer, /a=candidate/);
  await endpoint.gatherCandidates();
  await me.answer(answer);
  await grows('picture', () => me.frames());
  const has = (type, match = () => true) => until(type, () => told.find((e) => e.event === type && match(e)));
  await has('IceComponentStateChanged', (e) => e.state === 'READY');
  await has('MediaStateChanged', (e) => e.newState === 'CONNECTED');
  await has('MediaFlowInStateChanged', (e) => e.mediaType === 'VIDEO' && e.state === 'FLOWING');
  await has('MediaFlowOutStateChanged', (e) => e.mediaType === 'VIDEO' && e.state === 'FLOWING');
  await has('DtlsConnectionStateChange', (e) => e.state === 'CONNECTED');
  await has('MediaSessionStarted');
  const at = (type, match = () => true) => told.findIndex((e) => e.event === type && match(e));
  const order = [at('IceCandidateFound'), at('IceGatheringDone'), at('NewCandidatePairSelected'), at('IceComponentStateChanged', (e) => e.state === 'CONNECTED')];
  assert.ok(order[0] >= 0 && order[2] < order[3], `order ${order}`);
  assert.equal((await endpoint.getICECandidatePairs()).length, 1);
  assert.equal((await endpoint.getIceConnectionState())[0].state, 'READY');
  assert.equal((await endpoint.getDtlsConnectionState())[0].state, 'CONNECTED');
  assert.equal(await endpoint.getConnectionState(), 'CONNECTED');
  assert.equal(await endpoint.getMediaState(), 'CONNECTED');
  await has('MediaTranscodingStateChanged', (e) => e.mediaType === 'VIDEO' && e.state === 'NOT_TRANSCODING');
  const keys = () => me.page.evaluate(async () => [...(await window.calls.call.getStats()).values()].find((s) => s.type === 'inbound-rtp' && s.kind === 'video').keyFramesDecoded);
  const before = await keys();
  await endpoint.requestKeyframe();
  await until('the key frame comes', async () => (await keys()) > before);
  const stats = await until('the present rate', async () => {
    const list = Object.values(await endpoint.getStats());
    return list.some((s) => s.type === 'outboundrtp' && s.packetsSent > 0 && s.targetBitrate > 0) && list;
  });
  assert.ok(stats.some((s) => s.type === 'inboundrtp' && s.packetsReceived > 0 && s.codecId.startsWith('video/')));
  assert.ok(!stats.some((s) => s.type === 'endpoint'), 'latencies are measured on wish only');
  await pipeline.setLatencyStats(true);
  const own = await until('latencies of sound and picture', async () => {
    const s = (await endpoint.getStats())[endpoint.id];
    return s.inputLatency.length === 2 && s.E2ELatency.length === 2 && s;
  });
  for (const [i, name] of ['sink_audio_default', 'sink_video_default'].entries()) {
    assert.equal(own.inputLatency[i].name, name);
    assert.ok(own.inputLatency[i].avg > 0 && own.E2ELatency[i].avg >= own.inputLatency[i].avg, JSON.stringify(own));
  }

  await has('DataChannelOpened');
  await me.page.evaluate(() => window.calls.call.channel.send('hello'));
  await until('the loop brings it back', () => me.page.evaluate(() => window.calls.call.said.includes('hello')));
  assert.ok(Object.values(await endpoint.getStats('DATA')).some((s) => s.type === 'datachannel' && s.label === 'whiteboard' && s.messagesReceived > 0));
  await me.page.evaluate(() => { window.calls.call.ondatachannel = (e) => { window.theirs = e.channel.label; }; });
  await endpoint.createDataChannel('from the server', true);
  await until('the page has the server\'s channel', () => me.page.evaluate(() => window.theirs === 'from the server'));
  assert.equal((await failure(endpoint, 'createDataChannel', 'x', true, 10, 10)).code, 40107);
  const opened = told.filter((e) => e.event === 'DataChannelOpened');
  await until('both are open, once each', () => told.filter((e) => e.event === 'DataChannelOpened').length === 2);
  await endpoint.closeDataChannel(opened[0].channelId);
  await has('DataChannelClosed', (e) => e.channelId === opened[0].channelId);
  const without = await pipeline.create('WebRtcEndpoint');
  assert.equal((await failure(without, 'createDataChannel')).code, 40111);
  await pipeline.release();
});

step('the server offers, and a hub switches between two who send', async (t) => {
  class Plain extends App {
    endpoints = {};
    async message(_, m) { if (m.id === 'onIceCandidate') await this.candidates.take(m.name, this.endpoints[m.name], m.candidate); }
  }
  const app = new Plain(kelas.kurento);
  const [ani, budi, viewer] = await Promise.all(['ani', 'budi', 'viewer'].map((n) => Person.open(chrome, site.url, n, app)));
  t.after(() => Promise.all([ani, budi, viewer].map((p) => p.close())));
  const pipeline = await client.create('MediaPipeline');
  const add = async (person) => {
    const endpoint = await pipeline.create('WebRtcEndpoint');
    app.endpoints[person.name] = endpoint;
    app.tellCandidates(person, endpoint, person.name);
    return endpoint;
  };
  const hub = await pipeline.create('DispatcherOneToMany');
  const ports = {};
  for (const person of [ani, budi]) {
    const endpoint = await add(person);
    const sdpOffer = await endpoint.generateOffer();
    assert.doesNotMatch(sdpOffer, /a=candidate/);
    const sdpAnswer = await person.page.evaluate((n, sdp) => window.offered(n, sdp), person.name, sdpOffer);
    await endpoint.processAnswer(sdpAnswer);
    await endpoint.gatherCandidates();
    ports[person.name] = await hub.createHubPort();
    await endpoint.connect(ports[person.name]);
  }
  const watching = await add(viewer);
  const out = await hub.createHubPort();
  await out.connect(watching);
  const answer = await watching.processOffer(await viewer.offer('recvonly', {}, 'viewer'));
  await watching.gatherCandidates();
  await viewer.answer(answer, 'viewer');
  for (const name of ['ani', 'budi', 'ani']) {
    await hub.setSource(ports[name]);
    await grows(`the viewer sees ${name}`, () => viewer.frames());
  }
  // To the browser it is one stream that never breaks off.
  const stream = await viewer.page.evaluate(async () => [...(await window.calls.viewer.getStats()).values()].filter((s) => s.type === 'inbound-rtp' && s.kind === 'video'));
  assert.equal(stream.length, 1);
  assert.equal(stream[0].packetsLost, 0);
  assert.ok(stream[0].keyFramesDecoded >= 3, `${stream[0].keyFramesDecoded} key frames`);
  await hub.removeSource();
  await until('nothing comes', async () => {
    const n = await viewer.frames();
    await new Promise((r) => setTimeout(r, 500));
    return n === await viewer.frames();
  });
  assert.equal((await hub.getParent()).id, pipeline.id);
  await pipeline.release();
});

step('through three relays, and bounds that act while media flows', async (t) => {
  class Plain extends App {
    endpoints = {};
    async message(_, m) { if (m.id === 'onIceCandidate') await this.candidates.take(m.name, this.endpoints[m.name], m.candidate); }
  }
  const app = new Plain(kelas.kurento);
  const [teacher, student] = await Promise.all(['teacher', 'student'].map((n) => Person.open(chrome, site.url, n, app)));
  t.after(() => Promise.all([teacher, student].map((p) => p.close())));
  const pipeline = await client.create('MediaPipeline');
  const relays = [];
  for (let i = 0; i < 3; i++) relays.push(await pipeline.create('PassThrough'));
  const join = async (person, mode) => {
    const endpoint = app.endpoints[person.name] = await pipeline.create('WebRtcEndpoint');
    app.tellCandidates(person, endpoint, person.name);
    const answer = await endpoint.processOffer(await person.offer(mode, { size: [1280, 720] }, person.name));
    await endpoint.gatherCandidates();
    await person.answer(answer, person.name);
    await app.candidates.flush(person.name, endpoint);
    return endpoint;
  };
  const watching = await join(student, 'recvonly'); // before anybody sends, and connected from behind
  await relays[2].connect(watching);
  await relays[1].connect(relays[2]);
  await relays[0].connect(relays[1]);
  const sending = await join(teacher, 'sendonly');
  await sending.connect(relays[0]);
  await grows('the picture through three relays', () => student.frames());
  await relays[1].disconnect(relays[2], 'VIDEO');
  await until('the picture stands still', async () => {
    const n = await student.frames();
    await new Promise((r) => setTimeout(r, 500));
    return n === await student.frames();
  });
  await relays[1].connect(relays[2], 'VIDEO');
  await grows('the picture again', () => student.frames());

  let last = [Date.now(), 0];
  const rate = async () => { // kbit/s since the last call
    const now = [Date.now(), await inbound(student.page, 'video', 'bytesReceived')];
    const kbit = (now[1] - last[1]) * 8 / (now[0] - last[0]);
    last = now;
    return kbit;
  };
  const settles = (what, match) => until(what, async () => {
    await new Promise((r) => setTimeout(r, 1000));
    const kbit = Math.round(await rate());
    return kbit > 0 && match(kbit) && kbit;
  }, 60000);
  // How much a browser sends when it may depends on the machine's load.
  const free = await settles('the browser has found its rate', (k) => k > 150);
  const bound = Math.round(free / 3);
  const seen = [];
  for (const [endpoint, name] of [[watching, 'setMaxVideoSendBandwidth'], [sending, 'setMaxVideoRecvBandwidth']]) {
    await endpoint[name](bound);
    seen.push(await settles(`${name}(${bound}) after ${free}`, (k) => k < 0.7 * free));
    await endpoint[name](0);
    seen.push(await settles('free again', (k) => k > free / 2));
  }
  t.diagnostic(`kbit/s of pictures: free ${free}, then bound to ${bound} and free by turns: ${seen.join(', ')}`);
  await pipeline.release();
});

/** A way to the server that can be cut. */
async function cutter(t) {
  const { port } = new URL(kelas.kurento);
  const sockets = new Set();
  const proxy = createServer((s) => {
    if (proxy.shut) return s.destroy();
    const to = connect(port, '127.0.0.1');
    for (const [a, b] of [[s, to], [to, s]]) {
      sockets.add(a);
      a.on('error', () => {});
      a.on('close', () => b.destroy());
      a.pipe(b);
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    proxy.close();
    for (const s of sockets) s.destroy();
  });
  return {
    uri: `ws://127.0.0.1:${proxy.address().port}/kurento`,
    cut() { proxy.shut = true; for (const s of sockets) s.destroy(); sockets.clear(); },
    mend() { proxy.shut = false; },
  };
}

step('a socket that is lost: media goes on, and everything is as it was; after too long it is gone', async (t) => {
  const way = await cutter(t);
  const app = new HelloWorld(way.uri);
  const me = await Person.open(chrome, site.url, 'me', app);
  t.after(async () => {
    await me.close();
    app.close();
  });
  await me.ask({ id: 'start' }, 'startResponse', 'sendrecv');
  await grows('picture', () => me.frames());
  const { pipeline, endpoint } = app.sessions.get(me);
  await endpoint.addTag('seat', '3');
  const told = [];
  endpoint.on('ElementDisconnected', (e) => told.push(e));
  await endpoint.getName(); // the subscription is there
  const mine = await app.connection();
  const back = [];
  mine.on('reconnected', (same) => back.push(same));

  way.cut();
  await grows('the picture goes on without the socket', () => me.frames(), 15);
  way.mend();
  await until('the client is back in its session', () => back.length === 1);
  assert.deepEqual(back, [true]);
  assert.equal(await endpoint.getTag('seat'), '3');
  await endpoint.disconnect(endpoint, 'AUDIO');
  await until('its subscriptions are there', () => told.length === 1);
  await grows('the picture still goes on', () => me.frames());

  way.cut(); // and now for longer than two periods of collection
  // Asked by number: getPipelines of the client would describe each, and so hold it.
  const manager = await client.getServerManager();
  const ids = () => new Promise((resolve, reject) => manager._invoke(undefined, 'getPipelines', (e, list) => (e ? reject(e) : resolve(list))));
  await until('it is collected', async () => !(await ids()).includes(pipeline.id), 30000);
  way.mend();
  await until('the client is back, in no session', () => back.length === 2, 30000);
  assert.deepEqual(back, [true, false]);
});
