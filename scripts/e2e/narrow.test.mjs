// A line that becomes narrow: two viewers, in Chromium and Firefox, behind
// ways that carry 500 kbit/s for a while. Pictures become smaller and go on,
// the sound stays, and the large picture comes back.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kelas } from './kelas.mjs';
import { Line, RoughPath, Wire, serverAddress } from './wire.mjs';
import { chromium, firefox, open, press, type, byTest, frames, inbound, grows, until, picture, picturesDir } from './browsers.mjs';

let kelas, chrome, fox, id, wire;
/** @type {RoughPath} */ let path;
/** @type {Record<string, import('puppeteer-core').Page>} */
const pages = {};
const lines = [];
const viewers = { Budi: 'Chromium', Dewi: 'Firefox' };

before(async () => {
  wire = await Wire.start();
  kelas = await Kelas.start([], { prefix: wire.prefix, address: serverAddress });
  [chrome, fox] = await Promise.all([chromium(), firefox()]);
  await kelas.user('teacher', 'ibu.sari', 'a long enough password');
  id = await kelas.class('Biology 8B', 'ibu.sari');
});

after(async () => {
  await Promise.allSettled([chrome?.close(), fox?.close()]);
  for (const l of lines) l.stop();
  await path?.stop();
  await kelas?.stop();
  await wire?.stop();
});

let broken = '';
function step(name, fn) {
  test(name, { timeout: 300000 }, async (t) => {
    if (broken) throw new Error(`not tried, since this failed: ${broken}`);
    try {
      await fn(t);
    } catch (e) {
      broken = name;
      for (const [who, page] of Object.entries(pages)) await picture(page, `failed-narrow-${who}`);
      await writeFile(join(picturesDir, 'server.log'), kelas.log);
      for (const [who, page] of Object.entries(pages)) t.diagnostic(`${who}: ${page.errors.slice(-3).join(' | ').slice(0, 500)}`);
      throw e;
    }
  });
}

async function enter(browser, role, name) {
  const line = await Line.start(kelas.port);
  lines.push(line);
  pages[name] = await open(browser, `${line.url}/c/${id}?token=${await kelas.token(id, role, name)}`);
}

/** What a viewer decodes of its camera. */
const seen = (page) => page.evaluate(async (sel) => {
  const track = document.querySelector(sel)?.srcObject?.getVideoTracks()[0];
  for (const pc of window.testConnections) {
    const receiver = pc.getReceivers().find((r) => r.track === track);
    if (!receiver || pc.connectionState === 'closed') continue;
    for (const s of (await receiver.getStats()).values()) {
      if (s.type === 'inbound-rtp') return { frames: s.framesDecoded ?? 0, height: s.frameHeight ?? 0, frozen: s.totalFreezesDuration ?? 0 };
    }
  }
  return { frames: 0, height: 0, frozen: 0 };
}, byTest('video-camera'));

/** Notes each second what every viewer decodes, until stopped. */
function watch() {
  const course = Object.fromEntries(Object.keys(viewers).map((name) => [name, []]));
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      await Promise.all(Object.keys(viewers).map(async (name) => course[name].push(await seen(pages[name]))));
      await new Promise((r) => setTimeout(r, 1000));
    }
  })();
  return async () => {
    stopped = true;
    await done;
    return course;
  };
}

const told = (list) => {
  const parts = [];
  for (const { height } of list) {
    if (parts.at(-1)?.height === height) parts.at(-1).n++;
    else parts.push({ height, n: 1 });
  }
  const [first, last] = [list[0], list.at(-1)];
  return `${parts.map((p) => `${p.height}*${p.n}`).join(' ')}, ${last.frames - first.frames} pictures, frozen ${(last.frozen - first.frozen).toFixed(1)} s`;
};

step('two viewers behind ways of their own see the large picture', async () => {
  await wire.wall(`tcp dport ${kelas.mediaTCP}`); // a way around the narrow one
  await enter(chrome, 'presenter', 'Sari');
  await press(pages.Sari, 'go-live');
  await press(pages.Sari, 'go-live-confirm');
  await pages.Sari.waitForSelector(byTest('stop'), { visible: true });
  await until('the presenter sends', () => pages.Sari.evaluate(() => window.kelas.state().media.state === 'connected'));
  path = await RoughPath.start({ port: kelas.media, loss: 0, delay: 20 });
  await Promise.all(Object.entries(viewers).map(([name, browser]) => enter(browser === 'Firefox' ? fox : chrome, 'viewer', name)));
  for (const name of Object.keys(viewers)) {
    await grows(`${name}: camera`, () => frames(pages[name], 'video-camera'));
    await until(`${name} sees the large picture`, async () => (await seen(pages[name])).height >= 540, 90000);
  }
});

step('500 kbit/s: the picture becomes smaller and goes on, and so does the sound', async (t) => {
  const stop = watch();
  const from = Date.now();
  path.rate = 500_000;
  for (const name of Object.keys(viewers)) {
    await until(`${name} gets a smaller picture`, async () => {
      const { height } = await seen(pages[name]);
      return height > 0 && height <= 360;
    }, 30000);
    t.diagnostic(`${name}: a smaller picture after ${((Date.now() - from) / 1000).toFixed(1)} s`);
  }
  for (const name of Object.keys(viewers)) {
    await grows(`${name}: the smaller picture`, () => frames(pages[name], 'video-camera'), 100, 60000);
    await grows(`${name}: sound`, () => inbound(pages[name], 'audio', 'packetsReceived'), 250, 60000);
    assert.equal(await pages[name].evaluate(() => window.testConnections.length), 1, `${name}: the connection was left alone`);
  }
  for (const [name, list] of Object.entries(await stop())) t.diagnostic(`${name}: ${told(list)}`);
});

step('the line is good again: so is the picture', async (t) => {
  const stop = watch();
  const from = Date.now();
  path.rate = 0;
  for (const name of Object.keys(viewers)) {
    await until(`${name} sees the large picture`, async () => (await seen(pages[name])).height >= 540, 120000);
    t.diagnostic(`${name}: the large picture after ${((Date.now() - from) / 1000).toFixed(1)} s`);
  }
  for (const [name, list] of Object.entries(await stop())) t.diagnostic(`${name}: ${told(list)}`);
});
