// What an endpoint of the Kurento protocol can be told about its connection,
// seen from Chromium.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { chromium, grows, until } from './browsers.mjs';
import { startKelas, servePage, Person } from './kurento-rig.mjs';
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

function step(name, fn) {
  test(name, { timeout: 120000 }, async (t) => {
    try {
      await fn(t);
    } catch (e) {
      t.diagnostic(`end of the server's log:\n${kelas.log.slice(-2000)}`);
      throw e;
    }
  });
}

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

async function people(t, app, name) {
  const person = await Person.open(chrome, site.url, name, app);
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
