// What the tests of the Kurento protocol share: the official client, loaded
// as it is published, a page that is one end of a call, and a server with its
// own port for the protocol.
import { test } from 'node:test';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { Kelas, freeTCP } from './kelas.mjs';
import { open, inbound, until } from './browsers.mjs';

const require = createRequire(import.meta.url);

// Explicit transactions of kurento-client 7.3.0 inherit from a class as if it
// were a function, which Node stopped allowing; without the class they use a
// way of their own.
require('node:domain').Domain = undefined;
export const kurentoClient = require('kurento-client');

/** Makes the function that runs one test and shows the end of the server's log when it fails. */
export function steps(server, timeout = 120000) {
  return (name, fn) => test(name, { timeout }, async (t) => {
    try {
      await fn(t);
    } catch (e) {
      t.diagnostic(`end of the server's log:\n${server().log.slice(-2000)}`);
      throw e;
    }
  });
}

/** Starts a server that speaks the protocol at ws://127.0.0.1:PORT/kurento. */
export async function startKelas(args = [], where = {}) {
  const port = await freeTCP();
  const kelas = await Kelas.start(['--kurento-addr', `127.0.0.1:${port}`, ...args], where);
  kelas.kurento = `ws://127.0.0.1:${port}/kurento`;
  return kelas;
}

/**
 * A way to the server that writes down what applications ask for, in its
 * order. Candidates come when browsers find them, and what kurento-client does
 * by itself is no call of an application's: both are left out.
 */
export async function tap(uri) {
  const asked = [];
  const note = ({ method, params }) => {
    if (method === 'create') asked.push(`create ${params.type}`);
    else if (method === 'subscribe') asked.push(`on ${params.type}`);
    else if (method === 'release') asked.push('release');
    else if (method === 'invoke' && !['getInfo', 'addIceCandidate'].includes(params.operation)) asked.push(params.operation);
  };
  const door = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(door, 'listening');
  door.on('connection', (near) => {
    const far = new WebSocket(uri);
    const opened = once(far, 'open');
    near.on('message', async (data) => {
      note(JSON.parse(data));
      await opened;
      far.send(data.toString());
    });
    far.on('message', (data) => near.send(data.toString()));
    near.on('close', () => far.close());
    far.on('close', () => near.close());
  });
  return {
    uri: `ws://127.0.0.1:${door.address().port}/kurento`,
    taken: () => asked.splice(0),
    close() {
      for (const near of door.clients) near.terminate();
      door.close();
    },
  };
}

/** A plain page, from an origin that browsers give the camera to. */
export async function servePage() {
  const http = createServer((_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>call</title><video autoplay playsinline muted></video>'));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `http://127.0.0.1:${http.address().port}/`, close: () => http.close() };
}

/** The script of the page: one RTCPeerConnection by name, with trickled candidates. */
function pageScript() {
  window.calls = {};
  const wait = {};
  const held = {}; // candidates of a call whose offer is not yet with the application
  const tell = (name, c) => {
    const m = { id: 'onIceCandidate', candidate: c.toJSON() };
    if (held[name]) held[name].push(m);
    else window.toApp(name, m);
  };
  window.letGo = (name) => {
    for (const m of held[name] ?? []) window.toApp(name, m);
    delete held[name];
  };
  // When the answer came and when the first picture was decoded, in this page's
  // clock. Timers of windows behind others are slow, those of workers are not.
  const worker = URL.createObjectURL(new Blob(['setInterval(() => postMessage(0), 10)']));
  const watch = (pc) => {
    pc.answeredAt = performance.now();
    const clock = new Worker(worker);
    clock.onmessage = async () => {
      for (const s of (await pc.getStats()).values()) {
        if (s.type === 'inbound-rtp' && s.kind === 'video' && s.framesDecoded > 0) pc.pictureAt ??= performance.now();
      }
      if (pc.pictureAt || pc.connectionState === 'closed') clock.terminate();
    };
  };
  window.firstPicture = (name) => {
    const { answeredAt, pictureAt } = window.calls[name];
    return pictureAt ? Math.max(1, pictureAt - answeredAt) : 0;
  };
  window.call = async (name, mode, { audio = true, video = true, data = '', codec = '', size = [320, 240], hold = false, timed = false } = {}) => {
    const pc = new RTCPeerConnection();
    pc.timed = timed;
    window.calls[name] = pc;
    wait[name] = [];
    if (hold) held[name] = [];
    pc.onicecandidate = (e) => e.candidate && tell(name, e.candidate);
    pc.ontrack = (e) => {
      const el = document.querySelector('video');
      el.srcObject ??= new MediaStream();
      el.srcObject.addTrack(e.track);
    };
    if (data) {
      const channel = pc.createDataChannel(data);
      pc.channel = channel;
      pc.said = [];
      channel.onmessage = (m) => pc.said.push(m.data);
    }
    if (mode === 'recvonly') {
      if (audio) pc.addTransceiver('audio', { direction: mode });
      if (video) pc.addTransceiver('video', { direction: mode });
    } else if (audio || video) {
      const media = await navigator.mediaDevices.getUserMedia({ audio, video: video && { width: size[0], height: size[1], frameRate: 15 } });
      for (const t of media.getTracks()) pc.addTransceiver(t, { direction: mode, streams: [media] });
    }
    for (const t of codec ? pc.getTransceivers() : []) {
      if (t.receiver.track.kind !== 'video') continue;
      t.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs.filter((c) => c.mimeType === `video/${codec}`));
    }
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  };
  window.answered = async (name, sdp) => {
    const pc = window.calls[name];
    if (pc.timed) watch(pc);
    await pc.setRemoteDescription({ type: 'answer', sdp });
    for (const c of wait[name].splice(0)) await pc.addIceCandidate(c);
    return pc.remoteDescription.sdp;
  };
  window.offered = async (name, sdp) => { // the server offers
    const pc = new RTCPeerConnection();
    window.calls[name] = pc;
    wait[name] = [];
    pc.onicecandidate = (e) => e.candidate && tell(name, e.candidate);
    await pc.setRemoteDescription({ type: 'offer', sdp });
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240, frameRate: 15 } });
    for (const t of media.getTracks()) pc.addTrack(t, media);
    await pc.setLocalDescription();
    return pc.localDescription.sdp;
  };
  window.candidate = async (name, c) => {
    const pc = window.calls[name];
    if (!pc) return;
    if (!pc.remoteDescription) wait[name].push(c);
    else await pc.addIceCandidate(c);
  };
  window.hangUp = (name) => {
    window.calls[name]?.close();
    delete window.calls[name];
  };
}

/** One person at a browser who talks to an application by its messages. */
export class Person {
  messages = [];
  listeners = new Set();

  static async open(browser, url, name, app) {
    const p = new Person();
    p.name = name;
    p.app = app;
    p.page = await open(browser);
    await p.page.exposeFunction('toApp', (call, m) => app.message(p, { ...m, name: call }));
    await p.page.goto(url, { waitUntil: 'domcontentloaded' });
    await p.page.evaluate(pageScript);
    return p;
  }

  /** What the application sends to this person's page. */
  async send(m) {
    this.messages.push(m);
    for (const listener of this.listeners) listener();
    if (m.id === 'iceCandidate') await this.page.evaluate((n, c) => window.candidate(n, c), m.name ?? 'call', { ...m.candidate }); // BiDi takes plain objects alone
  }

  offer(mode, opts = {}, call = 'call') {
    return this.page.evaluate((n, mode, opts) => window.call(n, mode, opts), call, mode, opts);
  }

  answer(sdp, call = 'call') {
    return this.page.evaluate((n, sdp) => window.answered(n, sdp), call, sdp);
  }

  /**
   * Offers, asks the application, and takes its answer; candidates follow the
   * offer, as they do on one socket. Returns the answer message.
   */
  async ask(request, reply, mode, opts = {}, call = 'call') {
    const sdpOffer = await this.offer(mode, { ...opts, hold: true }, call);
    const before = this.messages.length;
    const done = this.app.message(this, { ...request, sdpOffer });
    const flows = this.page.evaluate((n) => window.letGo(n), call);
    const m = await Promise.race([this.heard((x) => x.id === reply, before), done.then(() => new Promise(() => {}))]);
    if (m.sdpAnswer) await this.answer(m.sdpAnswer, call);
    await Promise.all([done, flows]);
    return m;
  }

  /** Waits for a message of the application's. */
  heard(match, from = 0, timeout = 20000) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const m = this.messages.slice(from).find(match);
        if (!m) return false;
        this.listeners.delete(look);
        clearTimeout(late);
        resolve(m);
        return true;
      };
      const late = setTimeout(() => {
        this.listeners.delete(look);
        reject(new Error(`${this.name} never heard ${match}; heard ${JSON.stringify(this.messages.slice(from).map((m) => m.id))}`));
      }, timeout);
      if (!look()) this.listeners.add(look);
    });
  }

  hangUp(call = 'call') { return this.page.evaluate((n) => window.hangUp(n), call); }

  frames() { return inbound(this.page, 'video', 'framesDecoded'); }
  sound() { return inbound(this.page, 'audio', 'packetsReceived'); }

  /** Milliseconds from the answer's arrival in the page to its first decoded picture, of a call that is timed. */
  firstPicture(call = 'call') {
    return until(`${this.name} sees a picture`, () => this.page.evaluate((n) => window.firstPicture(n), call), 20000);
  }

  async close() { await this.page.browserContext().close(); }
}

/** Queues candidates that come before their endpoint does, as the tutorials do. */
export class Candidates {
  queues = new Map();

  async take(key, endpoint, c) {
    const candidate = kurentoClient.getComplexType('IceCandidate')(c);
    if (endpoint) await endpoint.addIceCandidate(candidate);
    else this.queues.set(key, [...(this.queues.get(key) ?? []), candidate]);
  }

  /** Adds what has come so far; the tutorials do not wait for the answers. */
  flush(key, endpoint) {
    const list = this.queues.get(key) ?? [];
    this.queues.delete(key);
    return Promise.all(list.map((c) => endpoint.addIceCandidate(c)));
  }

  drop(key) { this.queues.delete(key); }
}
