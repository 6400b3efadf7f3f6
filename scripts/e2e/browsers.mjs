// The browsers of the tests: Debian's Chromium and Firefox, headless, driven
// by puppeteer, with what one needs to know of a page's media.
import puppeteer from 'puppeteer-core';
import { mkdir } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** @param {{acceptInsecureCerts?: boolean, more?: string[]}} how */
export function chromium({ acceptInsecureCerts = false, more = [] } = {}) {
  return puppeteer.launch({
    acceptInsecureCerts,
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
      '--autoplay-policy=no-user-gesture-required', '--lang=en', '--disable-dev-shm-usage',
      '--disable-backgrounding-occluded-windows', '--disable-renderer-backgrounding', '--disable-background-timer-throttling', ...more],
    defaultViewport: { width: 1280, height: 800 },
  });
}

export function firefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    defaultViewport: { width: 1280, height: 800 },
    extraPrefsFirefox: {
      'media.autoplay.default': 0,
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'intl.accept_languages': 'en',
      'app.update.enabled': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'media.gmp-manager.updateEnabled': false,
    },
  });
}

/** Opens a page whose PeerConnections the test can ask for statistics. */
export async function open(browser, url) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (e) => page.errors.push(String(e?.message ?? e)));
  page.on('console', (m) => { if (m.type() === 'error') page.errors.push(m.text()); });
  await page.evaluateOnNewDocument(() => {
    const Native = window.RTCPeerConnection;
    window.testConnections = [];
    window.RTCPeerConnection = new Proxy(Native, {
      construct(target, args) {
        const pc = new target(...args);
        window.testConnections.push(pc);
        return pc;
      },
    });
  });
  if (url) await page.goto(url, { waitUntil: 'domcontentloaded' });
  return page;
}

export const byTest = (id) => `[data-testid="${id}"]`;

/** Presses an element once it can be seen and is enabled. */
export async function press(page, id, timeout = 20000) {
  const handle = await page.waitForSelector(`${byTest(id)}:not([disabled])`, { visible: true, timeout });
  await handle.click();
}

export async function type(page, id, text) {
  const handle = await page.waitForSelector(byTest(id), { visible: true, timeout: 20000 });
  await handle.type(text);
}

/** Frames that were decoded for the track which a video element shows. */
export function frames(page, id) {
  return page.evaluate(async (sel) => {
    const el = document.querySelector(sel);
    const video = el?.matches('video') ? el : el?.querySelector('video');
    const track = video?.srcObject?.getVideoTracks()[0];
    for (const pc of window.testConnections) {
      const receiver = pc.getReceivers().find((r) => r.track === track);
      if (!receiver || pc.connectionState === 'closed') continue;
      for (const s of (await receiver.getStats()).values()) {
        if (s.type === 'inbound-rtp') return s.framesDecoded ?? 0;
      }
    }
    return 0;
  }, byTest(id));
}

/** Sums a figure of all inbound streams of one kind of the page's connections. */
export function inbound(page, kind, figure) {
  return page.evaluate(async (kind, figure) => {
    let sum = 0;
    for (const pc of window.testConnections) {
      if (pc.connectionState === 'closed') continue;
      for (const s of (await pc.getStats()).values()) {
        if (s.type === 'inbound-rtp' && s.kind === kind) sum += s[figure] ?? 0;
      }
    }
    return sum;
  }, kind, figure);
}

/** Waits until probe's number is past the one it gives now, by `by`. */
export async function grows(what, probe, by = 10, timeout = 30000) {
  const first = await probe();
  let last = first;
  const deadline = Date.now() + timeout;
  while (Date.now() < deadline) {
    last = await probe();
    if (last >= first + by) return;
    // A reloaded element counts from zero again.
    if (last < first) return grows(what, probe, by, deadline - Date.now());
    await new Promise((r) => setTimeout(r, 200));
  }
  throw new Error(`${what} does not grow: ${first} -> ${last}`);
}

export async function until(what, probe, timeout = 30000) {
  const deadline = Date.now() + timeout;
  let last;
  while (Date.now() < deadline) {
    try {
      last = await probe();
      if (last) return last;
    } catch (e) {
      last = e;
    }
    await new Promise((r) => setTimeout(r, 150));
  }
  throw new Error(`never came: ${what} (last: ${last})`);
}

export const picturesDir = join(root, 'tmp', 'e2e');
await mkdir(picturesDir, { recursive: true });

export async function picture(page, name) {
  await page.screenshot({ path: join(picturesDir, `${name}.png`) }).catch(() => {});
}
