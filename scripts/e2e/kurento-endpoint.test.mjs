// What an endpoint of the Kurento protocol can be told about its connection,
// seen from Chromium.
import { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { chromium, firefox, grows, until } from './browsers.mjs';
import { startKelas, servePage, Person, kurentoClient, steps } from './kurento-rig.mjs';
import { App } from './kurento-apps.mjs';

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

const step = steps(() => kelas);

/** Each call is an endpoint of one pipeline, made with the parameters of its name. */
class Endpoints extends App {
  endpoints = new Map();

  constructor(uri, parameters, prepare = async () => {}) {
    super(uri);
    this.parameters = parameters;
    this.prepare = prepare;
  }

  async message(person, m) {
    if (m.id === 'onIceCandidate') return this.candidates.take(m.name, this.endpoints.get(m.name), m.candidate);
    this.pipeline ??= await (await this.connection()).create('MediaPipeline');
    const endpoint = await this.pipeline.create('WebRtcEndpoint', this.parameters[m.call]);
    await this.prepare(endpoint, m.call);
    this.tellCandidates(person, endpoint, m.call);
    const sdpAnswer = await endpoint.processOffer(m.sdpOffer);
    this.endpoints.set(m.call, endpoint);
    await this.candidates.flush(m.call, endpoint);
    if (m.from) await this.endpoints.get(m.from).connect(endpoint);
    await person.send({ id: 'response', name: m.call, sdpAnswer });
    await endpoint.gatherCandidates();
  }
}

async function people(t, app, name, browser = chrome) {
  const person = await Person.open(browser, site.url, name, app);
  t.after(async () => {
    await person.close();
    app.close();
  });
  return person;
}

/** The transport's figures of one connection of the page. */
const transport = (person, call) => person.page.evaluate(async (name) => {
  const all = [...(await window.calls[name].getStats()).values()];
  const x = all.find((s) => s.type === 'transport');
  const cert = all.find((s) => s.id === x.remoteCertificateId);
  return { cipher: x.dtlsCipher, state: x.dtlsState, fingerprint: cert?.fingerprint };
}, call);

step('certificateKeyType: RSA and ECDSA, for who sends and who receives', async (t) => {
  const app = new Endpoints(kelas.kurento, {
    sender: { certificateKeyType: 'RSA' }, viewer: { certificateKeyType: 'RSA' }, modern: { certificateKeyType: 'ECDSA' }, silent: {},
  });
  const person = await people(t, app, 'teacher');
  await person.ask({ id: 'open', call: 'sender' }, 'response', 'sendonly', {}, 'sender');
  for (const call of ['viewer', 'modern', 'silent']) {
    await person.ask({ id: 'open', call, from: 'sender' }, 'response', 'recvonly', {}, call);
  }
  // Chromium keeps what it was first asked of a certificate, also that there is none yet.
  await until('all are connected', () => person.page.evaluate(() => Object.values(window.calls).every((pc) => pc.connectionState === 'connected')));
  await grows('pictures', () => person.frames());
  for (const call of ['sender', 'viewer', 'modern', 'silent']) {
    const x = await transport(person, call);
    assert.match(x.cipher, ['sender', 'viewer'].includes(call) ? /^TLS_ECDHE_RSA_WITH_AES/ : /^TLS_ECDHE_ECDSA_WITH_AES/, call);
    const sdp = await app.endpoints.get(call).getLocalSessionDescriptor();
    assert.ok(sdp.includes(`a=fingerprint:sha-256 ${x.fingerprint}`), `${call}: ${x.fingerprint} is not in the answer`);
    t.diagnostic(`${call}: ${x.cipher}`);
  }
});

step('certificateKeyType RSA: Firefox takes it at either end', async (t) => {
  const fox = await firefox();
  t.after(() => fox.close());
  const app = new Endpoints(kelas.kurento, { sender: { certificateKeyType: 'RSA' }, viewer: { certificateKeyType: 'RSA' } });
  const person = await people(t, app, 'teacher', fox);
  await person.ask({ id: 'open', call: 'sender' }, 'response', 'sendonly', {}, 'sender');
  await person.ask({ id: 'open', call: 'viewer', from: 'sender' }, 'response', 'recvonly', {}, 'viewer');
  await grows('pictures', () => person.frames());
});

/** What the browser believes it may send, and what its encoder is told, in bit/s. */
const sending = (person, call) => person.page.evaluate(async (name) => {
  const all = [...(await window.calls[name].getStats()).values()];
  return {
    available: all.find((s) => s.type === 'candidate-pair' && s.availableOutgoingBitrate)?.availableOutgoingBitrate ?? 0,
    target: all.find((s) => s.type === 'outbound-rtp' && s.kind === 'video')?.targetBitrate ?? 0,
    sent: all.find((s) => s.type === 'outbound-rtp' && s.kind === 'video')?.bytesSent ?? 0,
  };
}, call);

step('rembParams: a browser begins with rembOnConnect, and is let up', async (t) => {
  const app = new Endpoints(kelas.kurento, { slow: {}, free: {} }, async (endpoint, call) => {
    const params = await endpoint.getRembParams();
    assert.equal(params.rembOnConnect, 300000);
    if (call === 'slow') await endpoint.setRembParams(kurentoClient.getComplexType('RembParams')({ rembOnConnect: 60000, exponentialFactor: 0.1 }));
  });
  const person = await people(t, app, 'teacher');
  for (const call of ['slow', 'free']) {
    await person.ask({ id: 'open', call }, 'response', 'sendonly', {}, call);
    await until(`${call} is connected`, () => person.page.evaluate((n) => window.calls[n].connectionState === 'connected', call));
    const told = async () => Object.values(await app.endpoints.get(call).getStats('VIDEO')).find((s) => s.type === 'inboundrtp')?.remb;
    let limit, now;
    if (call === 'free') {
      await until('it sends freely', async () => (now = await sending(person, call)).target > 150000);
      assert.equal(await told(), 0);
      t.diagnostic(`${call}: ${JSON.stringify(now)}`);
      continue;
    }
    // The first limit was told some time ago and may have grown a little.
    await until('it obeys', async () => {
      now = await sending(person, call);
      limit = await told();
      return limit >= 60000 && now.target > 0 && now.available <= limit;
    });
    t.diagnostic(`${call}: told ${limit}, ${JSON.stringify(now)}`);
    assert.ok(limit < 250000 && now.target < limit, `told ${limit}: ${JSON.stringify(now)}`);
    const first = now.available;
    await until('it is let up', async () => (await sending(person, call)).available > first * 1.3);
  }
});

step('mtu can be read, keys are watched, and every name of qosDscp is taken', async (t) => {
  const client = await kurentoClient(kelas.kurento);
  t.after(() => client.close());
  const pipeline = await client.create('MediaPipeline');
  const endpoint = await pipeline.create('WebRtcEndpoint');
  assert.equal(await endpoint.getMtu(), 1200);
  const error = await new Promise((resolve) => endpoint.setMtu(1100, resolve));
  assert.equal(error.code, 40006);
  assert.match(error.message, /requestKeyframe/);
  const rtp = await pipeline.create('RtpEndpoint', { crypto: kurentoClient.getComplexType('SDES')({ crypto: 'AES_128_CM_HMAC_SHA1_80' }) });
  rtp.on('OnKeySoftLimit', () => {}); // an error would be emitted, and end this process
  await rtp.getName(); // behind the subscription
  const kmd = JSON.parse(await (await client.getServerManager()).getKmd('elements'));
  const names = kmd.complexTypes.find((t) => t.name === 'DSCPValue').values;
  assert.equal(names.length, 43);
  for (const qosDscp of names) await pipeline.create('WebRtcEndpoint', { qosDscp });
  await pipeline.release();
});
