// An LMS that speaks BigBlueButton's API: the official client makes the
// calls, and the people it sends come into the real page.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import bbb from 'bigbluebutton-js';
import { Kelas } from './kelas.mjs';
import { chromium, open, press, type, byTest, frames, grows, until, picture, picturesDir } from './browsers.mjs';

const secret = '639259d4-9dd8-4b25-bf01-95f9567eaf4b';
let kelas, chrome, api;
/** @type {Record<string, import('puppeteer-core').Page>} */
const pages = {};

before(async () => {
  kelas = await Kelas.start(['--bbb-secret', secret, '--webhook-allow', '127.0.0.1']);
  chrome = await chromium();
  api = bbb.api(`${kelas.url}/bigbluebutton`, secret);
});

after(async () => {
  await chrome?.close();
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
      for (const [who, page] of Object.entries(pages)) await picture(page, `bbb-failed-${who}`);
      await writeFile(join(picturesDir, 'bbb-server.log'), kelas.log);
      throw e;
    }
  });
}

const call = (url) => bbb.http(url);
const passwords = { attendeePW: 'murid-123', moderatorPW: 'guru-123' };

step('the root answers without a checksum', async () => {
  for (const address of ['', '/', '/?&checksum=aaaa']) {
    const r = await fetch(`${kelas.url}/bigbluebutton/api${address}`);
    assert.equal(r.status, 200);
    assert.match(await r.text(), /<returncode>SUCCESS<\/returncode><version>2\.0<\/version>/);
  }
});

step('a meeting is made, once', async () => {
  assert.equal((await call(api.monitoring.getMeetings())).messageKey, 'noMeetings');
  const first = await call(api.administration.create('Fisika 9A', 'fisika[9]', { ...passwords, meta_course: 'Fisika & Kimia' }));
  assert.equal(first.returncode, 'SUCCESS');
  assert.match(first.internalMeetingID, /^[0-9a-f]{40}-\d{13}$/);
  const again = await call(api.administration.create('Fisika 9A', 'fisika[9]', passwords));
  assert.equal(again.messageKey, 'duplicateWarning');
  assert.equal(again.internalMeetingID, first.internalMeetingID);
  const other = await call(api.administration.create('Fisika 9A', 'fisika[9]', { ...passwords, moderatorPW: 'another' }));
  assert.equal(other.messageKey, 'idNotUnique');
  assert.equal((await call(api.monitoring.isMeetingRunning('fisika[9]'))).running, false);
});

step('teacher and pupil come in by its addresses and see each other', async () => {
  pages.guru = await open(chrome, api.administration.join('Bu Sari', 'fisika[9]', passwords.moderatorPW, { userID: 'moodle-7' }));
  await press(pages.guru, 'go-live');
  // The dialog grows once the camera is there, and a press by place would miss.
  await pages.guru.waitForFunction(() => document.querySelector('#check-video')?.readyState >= 2);
  await pages.guru.$eval(byTest('go-live-confirm'), (b) => b.click());
  await pages.guru.waitForSelector(byTest('stop'), { visible: true });
  pages.ani = await open(chrome, api.administration.join('Ani', 'fisika[9]', passwords.attendeePW, { userID: 'moodle-8' }));
  await grows('Ani: camera', () => frames(pages.ani, 'video-camera'));
  assert.ok(!pages.ani.url().includes('token'), 'the address keeps a secret');
});

step('the LMS sees who is in', async () => {
  assert.equal((await call(api.monitoring.isMeetingRunning('fisika[9]'))).running, true);
  const info = await until('both in the answer', async () => {
    const i = await call(api.monitoring.getMeetingInfo('fisika[9]'));
    return i.participantCount === 2 && i.videoCount === 1 && i;
  });
  assert.equal(info.moderatorCount, 1);
  const people = Object.fromEntries(info.attendees.attendee.map((a) => [a.userID, a]));
  assert.equal(people['moodle-7'].role, 'MODERATOR');
  assert.equal(people['moodle-7'].isPresenter, true);
  assert.equal(people['moodle-8'].fullName, 'Ani');
  assert.equal(people['moodle-8'].role, 'VIEWER');
  assert.equal(info.metadata.course, 'Fisika &amp; Kimia');
});

step('the LMS ends it', async () => {
  assert.equal((await call(api.administration.end('fisika[9]', 'wrong'))).messageKey, 'invalidPassword');
  assert.equal((await call(api.administration.end('fisika[9]', passwords.moderatorPW))).messageKey, 'sentEndMeetingRequest');
  await pages.ani.waitForSelector('#end:not([hidden])', { visible: true, timeout: 20000 });
  assert.equal((await call(api.monitoring.getMeetingInfo('fisika[9]'))).messageKey, 'notFound');
});

step('guests wait until a teacher lets them in, on a narrow page too', async () => {
  const made = await call(api.administration.create('Kimia', 'kimia', {
    ...passwords, guestPolicy: 'ASK_MODERATOR', welcome: 'Selamat datang di <b>%%CONFNAME%%</b>', logoutURL: `${kelas.url}/login?from=lms`,
    lockSettingsDisablePublicChat: true, lockSettingsHideUserList: true,
  }));
  assert.equal(made.returncode, 'SUCCESS');
  pages.tamu = await open(chrome);
  await pages.tamu.setViewport({ width: 360, height: 640 });
  await pages.tamu.goto(api.administration.join('Tamu', 'kimia', passwords.attendeePW, { guest: true, userID: 'g1' }));
  await pages.tamu.waitForSelector(byTest('wait'), { visible: true });
  assert.equal(await pages.tamu.evaluate(() => document.activeElement?.id), 'wait-title');
  // What belongs to the class stays shut: not the page alone.
  assert.equal(await pages.tamu.evaluate(() => fetch(`${location.pathname}/after`).then((r) => r.status)), 403);

  pages.wali = await open(chrome, api.administration.join('Bu Wali', 'kimia', passwords.moderatorPW, { userID: 't1' }));
  await pages.wali.setViewport({ width: 360, height: 740 });
  await until('the notice of who waits', () => pages.wali.evaluate(() => /is waiting to come in/.test(document.querySelector('#toasts').textContent)));
  await press(pages.wali, 'tab-people');
  assert.equal(await pages.wali.$eval('#toasts', (t) => t.textContent), '', 'the list is open: no notice over it');
  await pages.wali.waitForSelector(byTest('lobby-row'), { visible: true });
  pages.asing = await open(chrome, api.administration.join('Orang asing', 'kimia', passwords.attendeePW, { guest: true, userID: 'g2' }));
  await until('two wait', () => pages.wali.$$eval(byTest('lobby-row'), (rows) => rows.length === 2));
  await picture(pages.wali, 'bbb-lobby-360');
  for (const page of [pages.wali, pages.tamu]) {
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'wider than the window');
  }
  for (const button of await pages.wali.$$(`${byTest('lobby-row')} button`)) {
    const box = await button.boundingBox();
    assert.ok(box.width >= 40 && box.height >= 40, 'too small for a finger');
    assert.match(await button.evaluate((b) => b.getAttribute('aria-label')), /Tamu|Orang asing/);
  }
  const row = (name) => pages.wali.evaluateHandle((sel, n) => [...document.querySelectorAll(sel)].find((r) => r.textContent.includes(n)), byTest('lobby-row'), name);
  await (await (await row('Tamu')).$(byTest('lobby-admit'))).focus();
  await pages.wali.keyboard.press('Enter');
  await until('the focus stays in the lobby', () => pages.wali.evaluate(() => document.activeElement?.id === 'lobby-title'));
  await pages.tamu.waitForSelector(byTest('wait'), { hidden: true });
  await (await (await row('Orang asing')).$(byTest('lobby-refuse'))).click();
  await until('turned away', () => pages.asing.$eval('#end:not([hidden]) #end-title', (h) => h.textContent === 'You were not let in'));
  await until('nobody waits', () => pages.wali.$eval('#lobby', (s) => s.hidden));
});

step('what the LMS wanted of the class is in force', async () => {
  assert.equal(await pages.tamu.$eval('#welcome-text', (p) => p.textContent), 'Selamat datang di Kimia');
  pages.rina = await open(chrome, api.administration.join('Rina', 'kimia', passwords.attendeePW, { userID: 's1' }));
  await pages.rina.waitForSelector('#app[data-phase="online"]');
  assert.deepEqual(await pages.rina.evaluate(() => window.kelas.state().people.map((p) => p.name).sort()), ['Bu Wali', 'Rina']);
  assert.deepEqual(await pages.rina.$$eval('#chat-to option', (list) => list.map((o) => o.textContent)), ['Bu Wali']);
  assert.equal(await pages.rina.$eval(byTest('chat-input'), (b) => b.placeholder), 'Write privately');
  assert.match(await pages.rina.$eval('#chat-empty', (e) => e.textContent), /cannot write to everybody/);
  await press(pages.rina, 'leave');
  await until('back at the LMS', () => pages.rina.url().endsWith('/login?from=lms'));
});

/** Runs the calls that PHP's own libraries make; prints what was not so. */
async function php(who, ...args) {
  const script = join(import.meta.dirname, 'bbb.php');
  const { stdout } = await promisify(execFile)('php', [script, who, `${kelas.url}/bigbluebutton`, secret, ...args]).catch((e) => {
    throw new Error(`${e.stderr}\n${e.stdout}`);
  });
  return stdout;
}

step('the calls of the PHP library', async () => {
  const said = await php('library');
  assert.ok(said.split('\n').length > 30, said);
});

step('Moodle: its nine calls, slides, and completion by attendance', async () => {
  const came = [];
  const moodle = createServer((req, res) => {
    let body = '';
    req.on('data', (d) => { body += d; });
    req.on('end', () => {
      if (req.url.startsWith('/slides')) return res.end('%PDF-1.4 bab satu');
      came.push({ url: req.url, method: req.method, token: (req.headers.authorization ?? '').replace('Bearer ', ''), body });
      // The first one finds Moodle in maintenance.
      res.writeHead(came.length === 1 ? 503 : 200).end();
    });
  }).listen(0, '127.0.0.1');
  await once(moodle, 'listening');
  try {
    const at = `http://127.0.0.1:${moodle.address().port}`;
    const said = await php('moodle', `${at}/slides/bab1.pdf`, `${at}/bbb_broker.php`);
    const [teacher, pupil] = [...said.matchAll(/^join (.*)$/gm)].map((m) => m[1]);
    pages.rahma = await open(chrome, teacher);
    pages.adi = await open(chrome, pupil);
    for (const page of [pages.rahma, pages.adi]) await page.waitForSelector('#app[data-phase="online"]');
    await press(pages.rahma, 'go-live');
    assert.equal(await pages.rahma.$eval('#check-mic-on', (i) => i.checked), false, 'muteOnStart');
    await pages.rahma.keyboard.press('Escape');
    await until('the slides are there', () => pages.adi.evaluate(() => window.kelas.state().files.some((f) => f.name === 'Bab 1.pdf')));
    await press(pages.adi, 'tab-chat');
    await type(pages.adi, 'chat-input', 'Selamat pagi');
    await press(pages.adi, 'chat-send');
    await until('stored', () => pages.adi.evaluate(() => window.kelas.state().storedSeq === 1));
    await new Promise((r) => setTimeout(r, 2000)); // they were there for a while
    assert.match(await php('finish'), /ok gone/);
    const told = await until('completion arrives, after a failure', () => came[1], 60000);
    assert.equal(told.url, '/bbb_broker.php?action=meeting_events&bigbluebuttonbn=34');
    const [head, payload, signature] = told.token.split('.');
    assert.equal(createHmac('sha512', secret).update(`${head}.${payload}`).digest('base64url'), signature);
    const report = JSON.parse(told.body);
    assert.match(report.meeting_id, /\[2\]$/);
    const people = Object.fromEntries(report.data.attendees.map((a) => [a.ext_user_id, a]));
    assert.deepEqual(Object.keys(people).sort(), ['17', '2']);
    assert.ok(people['17'].duration >= 2 && people['17'].duration < 120, `Adi was there for ${people['17'].duration} s`);
    assert.equal(people['17'].engagement.chats, 1);
    assert.equal(people['2'].moderator, true);
  } finally {
    moodle.close();
  }
});
