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

/** Opens the card behind the connection's bars and chooses. */
async function choose(page, quality) {
  if (await page.$eval(byTest('connection'), (b) => b.getAttribute('aria-expanded') !== 'true')) await press(page, 'connection');
  await press(page, `quality-${quality}`);
}

/** Freezes in seconds while fn runs. */
async function frozenDuring(page, fn) {
  const earlier = (await seen(page)).frozen;
  await fn();
  return (await seen(page)).frozen - earlier;
}

step('low: a smaller picture goes on, without a freeze', async (t) => {
  for (const name of Object.keys(students)) {
    const page = pages[name];
    const froze = await frozenDuring(page, async () => {
      await choose(page, 'low');
      await until(`${name} gets the small picture`, async () => (await seen(page)).height === 180, 30000);
      await grows(`${name}: the small picture`, () => frames(page, 'video-camera'), 20);
    });
    assert.ok(froze < 2, `${name} stood still for ${froze} s`);
    await until(`${name} reads of it`, () => page.$eval('#connection-figures', (e) => e.textContent.includes('smallest')), 20000);
    t.diagnostic(`${name}: frozen ${froze} s`);
  }
});

step('nobody wants the larger layers: the encoder stops them', async () => {
  const counts = async () => {
    const e = await encodings(pages.teacher);
    return e.q?.active && !e.h.active && !e.f.active && e;
  };
  const first = await until('h and f are off', counts, 60000);
  await grows('the lowest layer', async () => (await encodings(pages.teacher)).q.frames);
  const later = await encodings(pages.teacher);
  assert.equal(later.f.frames, first.f.frames, 'nothing is encoded for f');
  assert.equal(later.h.frames, first.h.frames, 'nothing is encoded for h');
});

step('sound only: no picture comes, the sound goes on', async () => {
  for (const name of Object.keys(students)) {
    const page = pages[name];
    await choose(page, 'sound');
    await until(`${name}: the server says so`, () => page.evaluate(() => window.kelas.state().layers.some((l) => l.slot === 'camera' && l.paused === 'choice')));
    // What was on the way when the server stopped is decoded yet.
    let still = -1;
    await until(`${name}: no more pictures`, async () => {
      const before = still;
      still = await inbound(page, 'video', 'framesDecoded');
      await new Promise((r) => setTimeout(r, 400));
      return still === before;
    });
    // Longer than the page waits before it takes silence for a fault.
    await grows(`${name}: sound`, () => inbound(page, 'audio', 'packetsReceived'), 300, 60000);
    assert.equal(await inbound(page, 'video', 'framesDecoded'), still, `${name} was sent pictures`);
    assert.equal(await page.evaluate(() => window.testConnections.length), 1, `${name}: the connection was left alone`);
    assert.ok(await page.$eval('#empty-text', (e) => e.checkVisibility() && e.textContent.includes('sound only')));
    assert.match(await page.$eval(byTest('connection'), (b) => b.getAttribute('aria-label')), /Sound only/);
    assert.ok(await page.$eval(byTest('pictures-on'), (b) => b.checkVisibility()), 'the way back is where the picture was');
  }
});

step('a reload keeps the choice; automatic brings the large picture back', async (t) => {
  for (const name of Object.keys(students)) {
    const page = pages[name];
    await page.reload({ waitUntil: 'domcontentloaded' });
    await grows(`${name}: sound`, () => inbound(page, 'audio', 'packetsReceived'), 50, 60000);
    assert.ok(await page.$eval(byTest('quality-sound'), (r) => r.checked), 'the choice is remembered');
    assert.equal(await inbound(page, 'video', 'framesDecoded'), 0);
    await press(page, 'pictures-on');
    await grows(`${name}: camera`, () => frames(page, 'video-camera'));
    assert.ok(await page.$eval(byTest('quality-automatic'), (r) => r.checked));
    const best = await until(`${name} gets a large picture`, async () => {
      const s = await seen(page);
      return s.height >= 480 && s;
    }, 90000);
    t.diagnostic(`${name}: ${JSON.stringify(best)}`);
  }
});

step('the choice fits a small phone and the keyboard', async () => {
  const page = pages.Budi;
  await page.setViewport({ width: 360, height: 640 });
  if (await page.$eval(byTest('connection'), (b) => b.getAttribute('aria-expanded') !== 'true')) await press(page, 'connection');
  const box = await page.$eval(byTest('quality'), (e) => {
    const { left, right } = e.getBoundingClientRect();
    return { left, right, scroll: document.documentElement.scrollWidth, legend: e.querySelector('legend').textContent };
  });
  await picture(page, 'quality-360');
  assert.ok(box.left >= 0 && box.right <= 360 && box.scroll <= 360, JSON.stringify(box));
  assert.ok(box.legend);
  await page.focus(byTest('quality-automatic'));
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => window.kelas.state().quality), 'low');
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.evaluate(() => window.kelas.state().quality), 'automatic');
});
