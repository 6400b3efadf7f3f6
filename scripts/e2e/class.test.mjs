// The main job in real browsers: a teacher goes live, a class of three (one
// of them in Firefox) watches, chats and shares a file; the teacher reloads,
// a student comes late, the server dies and comes back.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kelas } from './kelas.mjs';
import { chromium, firefox, open, press, type, byTest, frames, inbound, grows, until, picture, picturesDir } from './browsers.mjs';

let kelas, chrome, fox, id;
/** @type {Record<string, import('puppeteer-core').Page>} */
const pages = {};
const students = ['Budi', 'Citra', 'Dewi'];

before(async () => {
  kelas = await Kelas.start();
  [chrome, fox] = await Promise.all([chromium(), firefox()]);
  await kelas.user('teacher', 'ibu.sari', 'a long enough password');
  id = await kelas.class('Biology 8B', 'ibu.sari');
});

after(async () => {
  for (const [name, page] of Object.entries(pages)) await picture(page, `end-${name}`);
  await Promise.allSettled([chrome?.close(), fox?.close()]);
  await kelas?.stop();
});

/** Runs a step; each needs the ones before it. A failure leaves pictures and the log in tmp/e2e. */
let broken = '';
function step(name, fn) {
  test(name, { timeout: 180000 }, async (t) => {
    if (broken) throw new Error(`not tried, since this failed: ${broken}`);
    try {
      await fn(t);
    } catch (e) {
      broken = name;
      for (const [who, page] of Object.entries(pages)) await picture(page, `failed-${who}`);
      await writeFile(join(picturesDir, 'server.log'), kelas.log);
      t.diagnostic(`end of the server's log:\n${kelas.log.slice(-1500)}`);
      for (const [who, page] of Object.entries(pages)) t.diagnostic(`${who}: ${page.errors.slice(-3).join(' | ').slice(0, 500)}`);
      throw e;
    }
  });
}

const messages = (page) => page.$$eval(byTest('chat-message'), (rows) => rows
  .filter((r) => r.dataset.seq && r.dataset.seq !== '0')
  .map((r) => `${r.dataset.seq}`));
const texts = (page) => page.$$eval(byTest('chat-message'), (rows) => rows.map((r) => r.textContent));

async function say(page, text) {
  await press(page, 'tab-chat');
  await type(page, 'chat-input', text);
  await press(page, 'chat-send');
}

async function sees(name, page) {
  await grows(`${name}: camera`, () => frames(page, 'video-camera'));
  await grows(`${name}: screen`, () => frames(page, 'video-screen'));
}

step('a teacher logs in on the real page and opens the class', async () => {
  const page = pages.teacher = await open(chrome, `${kelas.url}/login`);
  await type(page, 'login-name', 'ibu.sari');
  await type(page, 'login-password', 'a long enough password');
  await Promise.all([page.waitForNavigation(), press(page, 'login-submit')]);
  assert.match(page.url(), /\/classes$/);
  assert.ok((await page.evaluate(() => document.body.innerText)).includes('Biology 8B'));
  await page.goto(`${kelas.url}/c/${id}`, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector(byTest('go-live'), { visible: true });
});

step('the teacher checks the camera, goes live and shares the screen', async () => {
  const page = pages.teacher;
  await press(page, 'go-live');
  await press(page, 'go-live-confirm');
  await page.waitForSelector(byTest('stop'), { visible: true });
  await press(page, 'share-screen');
});

step('three students, one in Firefox, see both pictures move and get sound', async () => {
  for (const name of students) {
    const token = await kelas.token(id, 'viewer', name);
    pages[name] = await open(name === 'Dewi' ? fox : chrome, `${kelas.url}/c/${id}?token=${token}`);
    assert.ok(!pages[name].url().includes('token='), 'the token does not stay in the address');
  }
  for (const name of students) {
    await sees(name, pages[name]);
    await grows(`${name}: sound`, () => inbound(pages[name], 'audio', 'packetsReceived'), 25);
  }
  await until('four people in the roster', async () => (await pages.Budi.$$(byTest('roster-row'))).length === 4);
});

step('DTLS: the browser is the client and AEAD_AES_128_GCM is chosen, in both', async () => {
  for (const name of ['Budi', 'Dewi']) {
    const chosen = await pages[name].evaluate(async () => {
      for (const pc of window.testConnections) {
        for (const s of (await pc.getStats()).values()) if (s.type === 'transport' && s.srtpCipher) return s.srtpCipher;
      }
      return '';
    });
    assert.match(chosen, /AEAD_AES_128_GCM/, name);
  }
});

step('chat has one order in all four tabs', async () => {
  for (const round of [1, 2, 3]) {
    await Promise.all(Object.entries(pages).map(([who, page]) => say(page, `${who} says ${round} <b>&amp;</b> 👋`)));
  }
  const orders = await until('twelve messages in every tab', async () => {
    const all = await Promise.all(Object.values(pages).map(messages));
    return all.every((m) => m.length === 12) && all;
  });
  for (const other of orders.slice(1)) assert.deepEqual(other, orders[0]);
  assert.ok((await texts(pages.Budi)).some((s) => s.includes('<b>&amp;</b> 👋')), 'text stays text');
  const stored = async () => (await pages.Citra.$$eval(byTest('chat-message'), (r) => r.map((m) => m.dataset.state))).every((s) => s === 'stored');
  await until('all of them stored', stored);
});

step('a file of 20 MB arrives with the same hash', async () => {
  const bytes = randomBytes(20 << 20);
  const path = join(kelas.dir, 'Praktikum.bin');
  await writeFile(path, bytes);
  const want = createHash('sha256').update(bytes).digest('hex');
  const input = await pages.Budi.waitForSelector(byTest('file-input'));
  await input.uploadFile(path);
  for (const name of ['teacher', 'Dewi']) {
    const page = pages[name];
    await until(`the file in ${name}'s list`, () => page.$(`${byTest('file-row')} a[href*="/files/"]`), 60000);
    const got = await page.evaluate(async (sel) => {
      const r = await fetch(document.querySelector(sel).href);
      const digest = await crypto.subtle.digest('SHA-256', await r.arrayBuffer());
      return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join('');
    }, `${byTest('file-row')} a[href*="/files/"]`);
    assert.equal(got, want, name);
  }
});

step('the screen stops and starts again without new SDP at any viewer', async () => {
  const described = (page) => page.evaluate(() => window.testConnections.map((pc) => pc.currentRemoteDescription?.sdp));
  const earlier = await described(pages.Budi);
  await press(pages.teacher, 'share-screen');
  await until('the screen is gone at Budi', async () => !(await pages.Budi.$eval(byTest('video-screen'), (v) => v.checkVisibility())));
  await press(pages.teacher, 'share-screen');
  await grows('Budi: screen again', () => frames(pages.Budi, 'video-screen'));
  assert.deepEqual(await described(pages.Budi), earlier);
});

step('the presenter reloads and the class goes on', async () => {
  const page = pages.teacher;
  await page.reload({ waitUntil: 'domcontentloaded' });
  // The camera comes back by itself; a screen has to be chosen again.
  await page.waitForSelector(byTest('stop'), { visible: true, timeout: 30000 });
  for (const name of students) await grows(`${name}: camera after the reload`, () => frames(pages[name], 'video-camera'));
  await press(page, 'share-screen');
  for (const name of students) await grows(`${name}: screen after the reload`, () => frames(pages[name], 'video-screen'));
});

step('a late student has a picture within a second', async (t) => {
  const token = await kelas.token(id, 'viewer', 'Eka');
  const page = pages.Eka = await open(chrome);
  await page.evaluateOnNewDocument(() => {
    // From the moment the page has the server's answer to the first picture.
    const native = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (...args) {
      window.testAnswered ??= performance.now();
      return native.apply(this, args);
    };
    const watch = setInterval(() => {
      for (const v of document.querySelectorAll('video')) {
        if (v.getVideoPlaybackQuality().totalVideoFrames > 0) {
          window.testPicture = performance.now();
          clearInterval(watch);
          return;
        }
      }
    }, 10);
  });
  await page.goto(`${kelas.url}/c/${id}?token=${token}`, { waitUntil: 'domcontentloaded' });
  await until('a picture', () => page.evaluate(() => window.testPicture));
  const took = await page.evaluate(() => window.testPicture - window.testAnswered);
  t.diagnostic(`answer to first picture: ${Math.round(took)} ms`);
  assert.ok(took < 1000, `${took} ms`);
  assert.equal((await messages(page)).length, 12, 'history on joining');
});

step('the server is killed and started again: all resume with history complete', async () => {
  await say(pages.Dewi, 'the last word before the crash');
  await until('it is stored', async () => (await pages.Dewi.$$eval(byTest('chat-message'), (r) => r.at(-1).dataset.state)) === 'stored');
  await kelas.kill();
  await until('Budi is told of the lost line', () => pages.Budi.evaluate(() => document.body.innerText.toLowerCase().includes('reconnect')), 20000);
  await kelas.run();
  await until('the teacher is live again', () => pages.teacher.$(`${byTest('stop')}:not([disabled])`), 60000);
  for (const name of students) {
    await grows(`${name}: camera after the crash`, () => frames(pages[name], 'video-camera'), 10, 60000);
    await until(`${name}: 13 messages`, async () => (await messages(pages[name])).length === 13);
  }
  await say(pages.Budi, 'and the first one after it');
  await until('it arrives at Dewi', async () => (await texts(pages.Dewi)).some((s) => s.includes('and the first one after it')));
  const orders = await Promise.all([...students, 'teacher'].map((name) => messages(pages[name])));
  for (const other of orders.slice(1)) assert.deepEqual(other, orders[0]);
});

step('no page had an error of its own', async () => {
  for (const [name, page] of Object.entries(pages)) {
    const own = page.errors.filter((e) => !/WebSocket|ERR_CONNECTION|NetworkError|Failed to load resource|can.t establish a connection/i.test(e));
    assert.deepEqual(own, [], name);
  }
});
