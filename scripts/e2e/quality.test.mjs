// What a viewer is sent: the layers of a presenter's camera in Chromium and
// Firefox, the viewer's own choice, and the layers that nobody wants.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kelas } from './kelas.mjs';
import { chromium, firefox, open, press, type, byTest, frames, inbound, grows, until, picture, picturesDir } from './browsers.mjs';

let kelas, chrome, fox, id;
/** @type {Record<string, import('puppeteer-core').Page>} */
const pages = {};
const students = { Budi: 'Chromium', Dewi: 'Firefox' };

before(async () => {
  kelas = await Kelas.start();
  [chrome, fox] = await Promise.all([chromium(), firefox()]);
  await kelas.user('teacher', 'ibu.sari', 'a long enough password');
  id = await kelas.class('Biology 8B', 'ibu.sari');
});

after(async () => {
  await Promise.allSettled([chrome?.close(), fox?.close()]);
  await kelas?.stop();
});

let broken = '';
function step(name, fn) {
  test(name, { timeout: 240000 }, async (t) => {
    if (broken) throw new Error(`not tried, since this failed: ${broken}`);
    try {
      await fn(t);
    } catch (e) {
      broken = name;
      for (const [who, page] of Object.entries(pages)) await picture(page, `failed-quality-${who}`);
      await writeFile(join(picturesDir, 'server.log'), kelas.log);
      t.diagnostic(`end of the server's log:\n${kelas.log.slice(-1500)}`);
      for (const [who, page] of Object.entries(pages)) t.diagnostic(`${who}: ${page.errors.slice(-3).join(' | ').slice(0, 500)}`);
      throw e;
    }
  });
}

/** The outgoing camera's encodings: whether wanted, and what they send. */
const encodings = (page) => page.evaluate(async () => {
  const out = {};
  for (const pc of window.testConnections) {
    if (pc.connectionState === 'closed') continue;
    for (const sender of pc.getSenders()) {
      for (const e of sender.getParameters().encodings ?? []) {
        if (e.rid) out[e.rid] = { active: e.active !== false, mode: e.scalabilityMode ?? '', frames: 0, height: 0 };
      }
    }
    for (const s of (await pc.getStats()).values()) {
      if (s.type === 'outbound-rtp' && s.rid && out[s.rid]) Object.assign(out[s.rid], { frames: s.framesEncoded ?? 0, height: s.frameHeight ?? 0 });
    }
  }
  return out;
});

/** What a viewer decodes of its camera. */
const seen = (page) => page.evaluate(async (sel) => {
  const el = document.querySelector(sel);
  const video = el?.matches('video') ? el : el?.querySelector('video');
  const track = video?.srcObject?.getVideoTracks()[0];
  for (const pc of window.testConnections) {
    const receiver = pc.getReceivers().find((r) => r.track === track);
    if (!receiver || pc.connectionState === 'closed') continue;
    for (const s of (await receiver.getStats()).values()) {
      if (s.type === 'inbound-rtp') return { frames: s.framesDecoded ?? 0, height: s.frameHeight ?? 0, frozen: s.totalFreezesDuration ?? 0, plis: s.pliCount ?? 0 };
    }
  }
  return { frames: 0, height: 0, frozen: 0, plis: 0 };
}, byTest('video-camera'));

step('a teacher goes live', async () => {
  const page = pages.teacher = await open(chrome, `${kelas.url}/login`);
  await type(page, 'login-name', 'ibu.sari');
  await type(page, 'login-password', 'a long enough password');
  await Promise.all([page.waitForNavigation(), press(page, 'login-submit')]);
  await page.goto(`${kelas.url}/c/${id}`, { waitUntil: 'domcontentloaded' });
  await press(page, 'go-live');
  await press(page, 'go-live-confirm');
  await page.waitForSelector(byTest('stop'), { visible: true });
});

step('with nobody watching the encoder keeps the lowest layer alone', async (t) => {
  const alone = await until('h and f are off', async () => {
    const e = await encodings(pages.teacher);
    return e.q?.active && e.h && !e.h.active && e.f && !e.f.active && e;
  }, 60000);
  t.diagnostic(JSON.stringify(alone));
});

step('viewers who come get a picture, and then the highest layer', async (t) => {
  for (const [name, browser] of Object.entries(students)) {
    const token = await kelas.token(id, 'viewer', name);
    pages[name] = await open(browser === 'Firefox' ? fox : chrome, `${kelas.url}/c/${id}?token=${token}`);
  }
  for (const name of Object.keys(students)) {
    await grows(`${name}: camera`, () => frames(pages[name], 'video-camera'));
    const best = await until(`${name} gets a large picture`, async () => {
      const s = await seen(pages[name]);
      return s.height >= 480 && s;
    }, 90000);
    t.diagnostic(`${name}: ${JSON.stringify(best)}`);
  }
  t.diagnostic(JSON.stringify(await encodings(pages.teacher)));
});
