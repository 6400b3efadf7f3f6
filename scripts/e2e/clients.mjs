// Clients without a page: the official Socket.IO clients of both generations,
// with a memory of what they heard, a browser's cookies and uploads.
import assert from 'node:assert/strict';
import { io as io4 } from 'socket.io-client';
import io2 from 'socket.io-client-2';

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

/** Waits until probe gives something, which is returned. */
export async function eventually(what, probe, timeout = 20000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const got = await probe();
    if (got) return got;
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms: ${what}`);
    await sleep(20);
  }
}

/** One tab of a participant. */
export class Tab {
  heard = []; // {event, body}, in order
  refused = null; // {code, message}: not let in
  picture = null; // of the last `joined`
  session;
  ups = 0; // how often it was connected

  /** @param {{generation?: 2|4, token?: string, name?: string, cookie?: string, reconnect?: boolean, join?: object}} who */
  constructor(url, id, who = {}) {
    const { generation = 4, token, name, cookie, reconnect = false } = who;
    const said = { class: id, ...(token && { token }), ...(name && { name }) };
    const options = { transports: ['websocket'], forceNew: true, reconnection: reconnect, reconnectionDelay: 50, reconnectionDelayMax: 300,
      ...(cookie && { extraHeaders: { cookie } }) };
    this.generation = generation;
    if (generation === 2) {
      this.socket = io2(url, { ...options, query: said });
      // Every packet passes here; 2.x has no onAny.
      const onevent = this.socket.onevent;
      this.socket.onevent = (packet) => { this.hear(...packet.data); onevent.call(this.socket, packet); };
      this.socket.on('error', (e) => { if (e?.code) this.refused = e; });
    } else {
      this.socket = io4(url, { ...options, query: { class: id }, auth: said });
      this.socket.onAny((event, body) => this.hear(event, body));
      this.socket.on('connect_error', (e) => { if (e.data) this.refused = e.data; });
    }
    this.socket.on('connect', () => {
      this.ups++;
      this.socket.emit('join', { session: this.session, lastSeq: this.lastSeq ?? 0, ...who.join });
    });
  }

  hear(event, body) {
    this.heard.push({ event, body });
    if (event === 'joined') {
      this.picture = body;
      this.session = body.session;
      this.you = body.you;
    }
  }

  all(event) { return this.heard.filter((h) => h.event === event).map((h) => h.body); }
  texts() { return this.all('chat').map((c) => c.entry.text); }

  async in() {
    await eventually('joined or refused', () => this.picture || this.refused || this.all('error')[0]);
    assert.ok(this.picture, `not let in: ${JSON.stringify(this.refused ?? this.all('error'))}`);
    return this;
  }

  /** The code with which it is not let in, by the handshake or by `join`. */
  async out() {
    const why = await eventually('refused', () => this.refused || this.all('error')[0] || this.picture);
    this.close();
    return why.code ?? 'let in';
  }

  /** Waits for an event, one heard already included. */
  hears(event, test = () => true, timeout) {
    return eventually(`hears ${event}`, () => this.all(event).find(test), timeout);
  }

  /** A request; the acknowledgement is returned whatever it says. */
  ask(event, body = {}, timeout = 20000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${event} was not answered`)), timeout);
      this.socket.emit(event, body, (answer) => { clearTimeout(timer); resolve(answer); });
    });
  }

  async code(event, body) {
    const answer = await this.ask(event, body);
    return answer.ok ? 'ok' : answer.error.code;
  }

  async say(text, more = {}) {
    const answer = await this.ask('chat', { text, ...more });
    assert.ok(answer.ok, JSON.stringify(answer));
    return answer.entry;
  }

  /** The whole history, page by page. */
  async history(limit = 50) {
    const pages = [];
    for (let before = 0; ;) {
      const page = await this.ask('chatHistory', { before, limit });
      assert.ok(page.ok, JSON.stringify(page));
      pages.unshift(page.entries);
      if (!page.more) return pages;
      before = page.entries[0].seq;
    }
  }

  /** Ends the session, not just the connection. */
  async leave() {
    if (this.socket.connected) await this.ask('leave', {}, 2000).catch(() => {});
    this.close();
  }

  close() { this.socket.close(); }
}

/** Logs in as a browser does; gives its cookies. */
export async function login(url, name, password) {
  const page = await fetch(`${url}/login`);
  const jar = new Map();
  const keep = (r) => { for (const c of r.headers.getSetCookie()) { const [k, v] = c.split(';')[0].split('='); jar.set(k, v); } };
  keep(page);
  const csrf = (await page.text()).match(/name="csrf" value="([^"]+)"/)[1];
  const cookie = () => [...jar].map(([k, v]) => `${k}=${v}`).join('; ');
  const done = await fetch(`${url}/login`, { method: 'POST', redirect: 'manual', headers: { cookie: cookie() }, body: new URLSearchParams({ csrf, name, password }) });
  keep(done);
  assert.equal(done.status, 303, 'logged in');
  return cookie();
}

/** Uploads with tus; gives the last answer, or the first that refused. */
export async function upload(url, id, token, name, bytes, part = 1 << 20) {
  const headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  const created = await fetch(`${url}/c/${id}/uploads`, { method: 'POST',
    headers: { ...headers, 'upload-length': `${bytes.length}`, 'upload-metadata': `filename ${Buffer.from(name).toString('base64')}` } });
  if (created.status !== 201) return created;
  const to = new URL(created.headers.get('location'), url);
  for (let offset = 0; ;) {
    const answer = await fetch(to, { method: 'PATCH', body: bytes.subarray(offset, offset + part),
      headers: { ...headers, 'upload-offset': `${offset}`, 'content-type': 'application/offset+octet-stream' } });
    if (answer.status !== 204) return answer;
    offset = Number(answer.headers.get('upload-offset'));
    if (offset >= bytes.length) return answer;
  }
}
