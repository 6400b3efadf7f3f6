// An LMS that speaks BigBlueButton's API: the official client makes the
// calls, and the people it sends come into the real page.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import bbb from 'bigbluebutton-js';
import { Kelas } from './kelas.mjs';
import { chromium, open, press, byTest, frames, grows, until, picture, picturesDir } from './browsers.mjs';

const secret = '639259d4-9dd8-4b25-bf01-95f9567eaf4b';
let kelas, chrome, api;
/** @type {Record<string, import('puppeteer-core').Page>} */
const pages = {};

before(async () => {
  kelas = await Kelas.start(['--bbb-secret', secret]);
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
  await press(pages.guru, 'go-live-confirm');
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
