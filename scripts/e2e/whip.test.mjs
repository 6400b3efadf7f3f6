// Encoders and players over HTTP: Eyevinn's WHIP client and WHEP player run in
// Chromium on a page of another origin, beside a student in the real class
// page, who must see the picture decoded.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { Kelas } from './kelas.mjs';
import { chromium, open, press, frames, inbound, grows, until, picture, picturesDir } from './browsers.mjs';

const require = createRequire(import.meta.url);

/** Wraps CommonJS packages for a browser, each module once. */
function bundle(...names) {
  const parts = new Map();
  const add = (path) => {
    if (parts.has(path) || !path.startsWith('/')) return; // Node's own, for advertisements: empty in a browser
    const source = readFileSync(path, 'utf8');
    const here = createRequire(path);
    const links = {};
    parts.set(path, null);
    for (const [, name] of source.matchAll(/\brequire\(["']([^"']+)["']\)/g)) {
      // Node's own "events" would be found before the package of that name.
      links[name] = here.resolve(name === 'events' ? 'events/' : name);
      add(links[name]);
    }
    parts.set(path, `${JSON.stringify(path)}: [function (module, exports, require) {${source}\n}, ${JSON.stringify(links)}]`);
  };
  const roots = names.map((n) => require.resolve(n));
  roots.forEach(add);
  return `(() => { const all = {${[...parts.values()].join(',\n')}}; const made = {};
    const get = (p) => { if (!all[p]) return {}; if (!made[p]) { made[p] = { exports: {} }; all[p][0](made[p], made[p].exports, (n) => get(all[p][1][n])); } return made[p].exports; };
    window.packages = {${names.map((n, i) => `${JSON.stringify(n)}: get(${JSON.stringify(roots[i])})`).join(', ')}}; })();`;
}

let kelas, chrome, host, origin, classId;
const tokens = {};
/** @type {Record<string, import('puppeteer-core').Page>} */
const pages = {};

before(async () => {
  kelas = await Kelas.start();
  chrome = await chromium();
  await kelas.user('teacher', 'bu.rina', 'kapur tulis biru');
  classId = await kelas.class('Fisika 9A', 'bu.rina');
  for (const [who, role, name] of [['teacher', 'presenter', 'Bu Rina'], ['student', 'viewer', 'Budi'], ['wall', 'viewer', 'Layar aula']]) {
    tokens[who] = await kelas.token(classId, role, name);
  }
  const script = bundle('@eyevinn/whip-web-client', '@eyevinn/webrtc-player');
  host = createServer((req, res) => {
    res.setHeader('Content-Type', req.url === '/clients.js' ? 'text/javascript' : 'text/html');
    res.end(req.url === '/clients.js' ? script : '<!doctype html><script src="clients.js"></script><video muted autoplay data-testid="player"></video>');
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  origin = `http://127.0.0.1:${host.address().port}/`;
});

after(async () => {
  await chrome?.close();
  host?.close();
  await kelas?.stop();
});

/** Runs a step; each needs the ones before it. */
let broken = '';
function step(name, fn) {
  test(name, { timeout: 120000 }, async (t) => {
    if (broken) throw new Error(`not tried, since this failed: ${broken}`);
    try {
      await fn(t);
    } catch (e) {
      broken = name;
      for (const [who, page] of Object.entries(pages)) await picture(page, `whip-failed-${who}`);
      await writeFile(join(picturesDir, 'whip-server.log'), kelas.log);
      throw e;
    }
  });
}

const joinLink = (who) => `${kelas.url}/c/${classId}?token=${tokens[who]}`;

/** Sends a fake camera, as an encoder does, and keeps what goes over HTTP. */
async function encode(page, query = '') {
  await page.evaluate(async ({ endpoint, token }) => {
    const native = window.fetch;
    window.calls ??= [];
    window.fetch = async (url, o = {}) => {
      const answer = await native(url, o);
      window.calls.push({ method: o.method ?? 'GET', url: String(url), status: answer.status, etag: answer.headers.get('ETag') });
      return answer;
    };
    const { WHIPClient } = window.packages['@eyevinn/whip-web-client'];
    window.client = new WHIPClient({ endpoint, opts: { authkey: token } });
    window.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 }, audio: true });
    await window.client.ingest(window.stream);
  }, { endpoint: `${kelas.url}/whip/${classId}${query}`, token: tokens.teacher });
}

step('a player that comes before anybody is live is told to wait', async () => {
  const answer = await fetch(`${kelas.url}/whep/${classId}`, {
    method: 'POST', headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${tokens.wall}` },
    body: 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=recvonly\r\n',
  });
  assert.equal(answer.status, 409);
  assert.ok(Number(answer.headers.get('Retry-After')) > 0);
});

step('a student waits in the class page', async () => {
  pages.student = await open(chrome, joinLink('student'));
  await until('the student is in', () => pages.student.$('#stage[data-layout="empty"]'));
});

step("Eyevinn's WHIP client is the camera, and the student sees it", async () => {
  pages.encoder = await open(chrome, origin);
  await encode(pages.encoder);
  await grows('frames decoded at the student', () => frames(pages.student, 'video-camera'));
  const calls = await pages.encoder.evaluate(() => window.calls);
  const post = calls.find((c) => c.method === 'POST');
  assert.equal(post.status, 201);
  assert.match(post.etag, /^"[^"]+"$/);
  for (const c of calls.filter((c) => c.method === 'PATCH')) assert.equal(c.status, 204);
});

step("the teacher's page says that the picture comes from the encoder", async () => {
  pages.teacher = await open(chrome, joinLink('teacher'));
  await until('the label', () => pages.teacher.evaluate(() => /Your encoder|Encoder Anda/.test(document.querySelector('#camera-name')?.textContent ?? '')));
  await grows('frames decoded at the teacher', () => frames(pages.teacher, 'video-camera'));
});

step("Eyevinn's WHEP player shows it", async () => {
  pages.player = await open(chrome, origin);
  await pages.player.evaluate(async ({ endpoint, token }) => {
    const { WebRTCPlayer } = window.packages['@eyevinn/webrtc-player'];
    window.player = new WebRTCPlayer({ video: document.querySelector('video'), type: 'whep', debug: true });
    await window.player.load(new URL(endpoint), token);
  }, { endpoint: `${kelas.url}/whep/${classId}`, token: `Bearer ${tokens.wall}` });
  await grows('frames decoded at the player', () => inbound(pages.player, 'video', 'framesDecoded'));
  await grows('sound at the player', () => inbound(pages.player, 'audio', 'packetsReceived'));
});

step('the player leaves and is gone from the roster', async () => {
  await pages.player.evaluate(() => window.player.unload());
  await until('one session less', async () => (await fetch(`${kelas.url}/metrics`).then((r) => r.text())).includes('kelas_whep_sessions 0'));
});

step('the teacher goes live beside the encoder, which stays the camera', async () => {
  await press(pages.teacher, 'go-live');
  await press(pages.teacher, 'go-live-confirm');
  await until('the sentence over the own picture', () => pages.teacher.evaluate(() =>
    /picture of your encoder|gambar dari encoder/.test(document.querySelector('#tile-camera .k-tile-note')?.textContent ?? '')));
  await grows('frames decoded at the student', () => frames(pages.student, 'video-camera'));
});

step('the encoder stops without a token, and the page\'s own camera comes back', async () => {
  await pages.encoder.evaluate(() => window.client.destroy());
  await until('no WHIP session', async () => (await fetch(`${kelas.url}/metrics`).then((r) => r.text())).includes('kelas_whip_sessions 0'));
  await grows('frames decoded at the student', () => frames(pages.student, 'video-camera'));
  const calls = await pages.encoder.evaluate(() => window.calls);
  assert.equal(calls.find((c) => c.method === 'DELETE').status, 200);
});

step('an encoder is the screen beside the page', async () => {
  await encode(pages.encoder, '?as=screen');
  await grows('the screen decoded at the student', () => frames(pages.student, 'video-screen'));
  await grows('the camera decoded at the student', () => frames(pages.student, 'video-camera'));
});

step('no page had an error', async () => {
  for (const who of ['student', 'teacher']) assert.deepEqual(pages[who].errors, []);
  assert.ok(!kelas.log.includes(tokens.teacher.slice(-20)), 'a token is in the log');
});
