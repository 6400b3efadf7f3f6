// An application without rules of its own: endpoints of people, recorders,
// players and RTP in one pipeline, wired by the test.
import { App } from './kurento-apps.mjs';
import { steps } from './kurento-rig.mjs';

export class Studio extends App {
  endpoints = new Map(); // by person and call

  async pipeline() {
    this.made ??= (await this.connection()).create('MediaPipeline');
    return this.made;
  }

  async create(type, params = {}) { return (await this.pipeline()).create(type, params); }

  message(person, m) {
    if (m.id === 'onIceCandidate') return this.candidates.take(`${person.name}/${m.name}`, this.endpoints.get(`${person.name}/${m.name}`), m.candidate);
  }

  /** Negotiates a WebRtcEndpoint with a person's page. */
  async join(person, mode, opts = {}, call = 'call') {
    const key = `${person.name}/${call}`;
    const endpoint = await this.create('WebRtcEndpoint');
    this.tellCandidates(person, endpoint, call);
    const sdpOffer = await person.offer(mode, opts, call);
    await person.answer(await endpoint.processOffer(sdpOffer), call);
    await endpoint.gatherCandidates();
    await this.candidates.flush(key, endpoint);
    this.endpoints.set(key, endpoint);
    return endpoint;
  }

  /** A recorder whose events are kept in order, in told. */
  async recorder(uri, mediaProfile, more = {}) {
    return this.watched(await this.create('RecorderEndpoint', { uri, mediaProfile, ...more }),
      ['Recording', 'Paused', 'Stopped', 'UriEndpointStateChanged', 'Error', 'MediaFlowInStateChanged']);
  }

  async player(uri, more = {}) {
    return this.watched(await this.create('PlayerEndpoint', { uri, ...more }), ['EndOfStream', 'UriEndpointStateChanged', 'Error', 'MediaFlowOutStateChanged']);
  }

  watched(element, events) {
    element.told = [];
    for (const name of events) element.on(name, (e) => element.told.push({ name, ...e }));
    return element;
  }

  async over() {
    if (this.made) await (await this.made).release();
    this.made = null;
    this.endpoints.clear();
  }
}

/** Makes the function that runs one test with a studio of its own, which ends with it. */
export function studioSteps(server) {
  const step = steps(server, 180000);
  return (name, fn) => step(name, async (t) => {
    const studio = new Studio(server().kurento);
    t.after(async () => {
      await studio.over();
      studio.close();
    });
    await fn(t, studio);
  });
}
