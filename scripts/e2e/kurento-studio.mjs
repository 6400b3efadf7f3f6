// An application without rules of its own: endpoints of people, recorders,
// players and RTP in one pipeline, wired by the test.
import { before, after } from 'node:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, firefox, until } from './browsers.mjs';
import { App } from './kurento-apps.mjs';
import { startKelas, servePage, Person, steps } from './kurento-rig.mjs';

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

/** Waits for an event that an element has told, or will. */
export const heard = (element, what, match) => until(what, () => element.told.find(match), 60000);

/** The events of an element in order, those about states by the state, errors by their type; the flow of media is left out. */
export const story = (element) => element.told.filter((e) => !e.name.startsWith('MediaFlow'))
  .map((e) => (e.name === 'UriEndpointStateChanged' ? e.state : e.name === 'Error' ? e.type : e.name));

/** Media of so many seconds, that pass by themselves. */
export const seconds = (n) => new Promise((resolve) => setTimeout(resolve, n * 1000));

/**
 * What a file of tests works with: a folder, a server that may record and play
 * there, Chromium, Firefox if it is wanted, and whatever prepare makes of the
 * folder (servers of files are closed in the end; args are the server's).
 */
export function openScene({ fox = false, prepare = async () => ({}) } = {}) {
  const scene = { servers: [] };
  before(async () => {
    scene.dir = await mkdtemp(join(tmpdir(), 'kelas-scene-'));
    const { args = [], ...more } = await prepare(scene.dir);
    Object.assign(scene, more);
    scene.kelas = await startKelas(['--kurento-file-root', scene.dir, ...args]);
    [scene.chrome, scene.fox] = await Promise.all([chromium(), fox && firefox()]);
    scene.site = await servePage();
  });
  after(async () => {
    await scene.chrome?.close();
    if (scene.fox) await scene.fox.close();
    for (const s of [scene.site, ...scene.servers]) s?.close();
    await scene.kelas?.stop();
    await rm(scene.dir, { recursive: true, force: true });
  });
  /** A test with an application of its own, whose pipeline ends with it. */
  const step = steps(() => scene.kelas, 180000);
  scene.step = (name, fn) => step(name, async (t) => {
    const studio = new Studio(scene.kelas.kurento);
    t.after(async () => {
      await studio.over();
      studio.close();
    });
    await fn(t, studio);
  });
  scene.person = async (t, studio, name, browser = scene.chrome) => {
    const p = await Person.open(browser, scene.site.url, name, studio);
    t.after(() => p.close());
    return p;
  };
  return scene;
}
