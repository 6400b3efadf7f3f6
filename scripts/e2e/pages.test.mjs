// A school's first hour: the set-up link, the first accounts, a class, an
// invitation that a student opens on a phone; every page in both languages,
// and none that scrolls sideways at 360 px or breaks the content policy.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kelas } from './kelas.mjs';
import { chromium, open, press, type, byTest, until, picture } from './browsers.mjs';

let kelas, chrome, admin, teacher, phone, classURL;
const password = 'correct horse battery';

before(async () => {
  kelas = await Kelas.start();
  chrome = await chromium();
});
after(async () => {
  await chrome?.close();
  await kelas?.stop();
});

const submit = (page, id) => Promise.all([page.waitForNavigation({ waitUntil: 'domcontentloaded' }), press(page, id)]);
const visible = (page) => page.evaluate(() => document.body.innerText);

/** Nothing sticks out sideways, nothing pressable is too small for a thumb, no word is left untranslated. */
async function livable(page, name) {
  await page.setViewport({ width: 360, height: 740, isMobile: true, hasTouch: true });
  await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
  const found = await page.evaluate(() => {
    const small = [...document.querySelectorAll('button, a.btn, select, input:not([type=hidden])')].filter((el) => {
      const r = el.getBoundingClientRect();
      return el.checkVisibility({ visibilityProperty: true }) && r.width > 1 && (r.height < 43.5 || r.width < 43.5)
        && !el.closest('.visually-hidden') && !['checkbox', 'radio', 'range', 'file'].includes(el.type);
    }).map((el) => `${el.tagName} ${el.dataset.testid ?? el.textContent.trim().slice(0, 30)} ${Math.round(el.getBoundingClientRect().height)}px`);
    return {
      sideways: document.documentElement.scrollWidth - 360, // innerWidth grows with what sticks out on a phone
      small,
      keys: document.body.innerText.match(/\b(?:site|login|setup|classes|admin|account|after|attendance|class|chat|people|files|live|check|net|error)\.[a-z][a-zA-Z.]+\b/g) ?? [],
      unnamed: [...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea')].filter((el) => el.checkVisibility()
        && !(el.textContent.trim() || el.getAttribute('aria-label') || el.getAttribute('aria-labelledby') || el.labels?.length || el.title || el.querySelector('img[alt]:not([alt=""])')))
        .map((el) => el.outerHTML.slice(0, 120)),
      heading: document.querySelectorAll('h1').length,
      lang: document.documentElement.lang,
    };
  });
  await picture(page, `phone-${name}`);
  assert.ok(found.sideways <= 0, `${name} scrolls ${found.sideways} px sideways`);
  assert.deepEqual(found.keys, [], `${name}: untranslated`);
  assert.deepEqual(found.unnamed, [], `${name}: no name for a screen reader`);
  assert.equal(found.heading, 1, `${name}: one h1`);
  assert.deepEqual(found.small, [], `${name}: too small to press`);
  await page.setViewport({ width: 1280, height: 800 });
  await picture(page, `laptop-${name}`);
  return found.lang;
}

test('the set-up link makes the first administrator, once', { timeout: 60000 }, async () => {
  assert.ok(kelas.setupLink, 'the link is printed on the very first start');
  admin = await open(chrome, kelas.setupLink);
  await livable(admin, 'setup');
  await type(admin, 'setup-name', 'kepala');
  await type(admin, 'setup-password', password);
  await type(admin, 'setup-again', password);
  await submit(admin, 'setup-submit');
  assert.ok(!admin.url().includes('setup'), admin.url());
  const other = await open(chrome, kelas.setupLink);
  assert.equal(await other.$(byTest('setup-submit')), null, 'the link is spent');
  await livable(other, 'setup-spent');
  await other.close();
});

test('the administrator adds a teacher, and a class of students by CSV', { timeout: 60000 }, async () => {
  await admin.goto(`${kelas.url}/admin/users`);
  await type(admin, 'user-name', 'guru');
  await admin.select(byTest('user-role'), 'teacher');
  await type(admin, 'user-password', password);
  await submit(admin, 'user-create');
  const csv = join(kelas.dir, 'students.csv');
  await writeFile(csv, `name,display,role,password\nandi,Andi W,student,${password}\nbayu,Bayu K,student,${password}\n`);
  await admin.waitForSelector(byTest('import-file')).then((i) => i.uploadFile(csv));
  await submit(admin, 'import-submit');
  await livable(admin, 'imported');
  await admin.goto(`${kelas.url}/admin/users`);
  assert.equal((await admin.$$(byTest('user-row'))).length, 4);
  await livable(admin, 'users');
});

test('the administrator makes a key for a program, and revokes it', { timeout: 60000 }, async () => {
  await admin.goto(`${kelas.url}/admin/keys`);
  await livable(admin, 'keys-empty');
  await type(admin, 'key-name', 'Moodle');
  for (const scope of ['lessons:write', 'links:write', 'webhooks:write']) await press(admin, `scope-${scope}`);
  await type(admin, 'key-days', '30');
  await submit(admin, 'key-create');
  assert.match(await admin.$eval(byTest('new-key-value'), (c) => c.textContent), /^kelas_/);
  await livable(admin, 'keys-made');
  await admin.goto(`${kelas.url}/admin/keys`);
  assert.equal(await admin.$(byTest('new-key-value')), null, 'shown once');
  admin.once('dialog', (d) => d.accept());
  await submit(admin, 'key-revoke');
  assert.match(await visible(admin), /The key is revoked/);
  assert.equal((await admin.$$(`${byTest('key-row')}.s-off`)).length, 1);
  await livable(admin, 'keys-revoked');
  await admin.goto(`${kelas.url}/api/v1/`);
  await admin.setViewport({ width: 360, height: 740 });
  assert.ok(await admin.evaluate(() => document.documentElement.scrollWidth <= 360), 'the API in words scrolls sideways');
});

test('the teacher logs in, makes a class and copies the students\' link', { timeout: 60000 }, async () => {
  teacher = await open(chrome, `${kelas.url}/login`);
  await livable(teacher, 'login');
  await type(teacher, 'login-name', 'guru');
  await type(teacher, 'login-password', 'wrong password');
  await submit(teacher, 'login-submit');
  await teacher.waitForSelector(byTest('login-error'), { visible: true });
  await livable(teacher, 'login-wrong');
  await teacher.$eval(byTest('login-name'), (i) => { i.value = ''; });
  await type(teacher, 'login-name', 'guru');
  await type(teacher, 'login-password', password);
  await submit(teacher, 'login-submit');
  await teacher.waitForSelector(byTest('classes-empty'), { visible: true });
  await livable(teacher, 'classes-empty');
  await submit(teacher, 'class-new');
  await livable(teacher, 'class-new');
  await type(teacher, 'class-title', 'Matematika 7A <b>');
  await submit(teacher, 'class-create');
  await teacher.goto(`${kelas.url}/classes`);
  assert.ok((await visible(teacher)).includes('Matematika 7A <b>'));
  await livable(teacher, 'classes');
  // Without scripts the button is a form whose answer shows the link.
  const link = await teacher.evaluate(async (sel) => {
    const form = document.querySelector(sel).form;
    const body = new URLSearchParams(new FormData(form));
    body.set('role', 'viewer');
    const r = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' } });
    return (await r.json()).url;
  }, byTest('copy-student-link'));
  assert.match(link, /\/c\/[a-z0-9]+\?token=/);
  classURL = link;
});

test('a student opens the invitation on a phone, gives a name and chats', { timeout: 90000 }, async () => {
  await teacher.goto(classURL.replace(/\?.*/, ''), { waitUntil: 'domcontentloaded' });
  await press(teacher, 'go-live');
  await teacher.waitForSelector(byTest('check-meter'), { visible: true });
  await new Promise((r) => setTimeout(r, 500));
  await picture(teacher, 'laptop-check');
  await press(teacher, 'go-live-confirm');
  await teacher.waitForSelector(byTest('stop'), { visible: true });
  phone = await open(chrome);
  await phone.setViewport({ width: 360, height: 740, isMobile: true, hasTouch: true });
  await phone.goto(classURL);
  await livable(phone, 'enter');
  await phone.setViewport({ width: 360, height: 740, isMobile: true, hasTouch: true });
  await type(phone, 'guest-name', 'Rina');
  await submit(phone, 'guest-enter');
  await phone.waitForSelector(byTest('video-camera'), { visible: true });
  await press(phone, 'tab-chat');
  await type(phone, 'chat-input', 'Selamat pagi, Bu! https://example.org/a?b=c <script>alert(1)</script>');
  await press(phone, 'chat-send');
  await until('the teacher reads it', async () => (await visible(teacher)).includes('<script>alert(1)</script>'));
  await until('stored', () => phone.$(`${byTest('chat-message')}[data-state="stored"]`));
  await picture(phone, 'phone-class-chat');
  assert.equal(await phone.$eval(`${byTest('chat-message')} a`, (a) => a.href), 'https://example.org/a?b=c');
  for (const tab of ['tab-people', 'tab-files', 'tab-chat']) {
    await phone.setViewport({ width: 360, height: 740, isMobile: true, hasTouch: true });
    await press(phone, tab);
    await livable(phone, `class-${tab}`);
  }
  await phone.setViewport({ width: 740, height: 360, isMobile: true, hasTouch: true });
  await picture(phone, 'phone-class-landscape');
  await livable(teacher, 'class-teacher');
});

test('afterwards: attendance, chat and files remain; every page speaks Indonesian too', { timeout: 90000 }, async () => {
  const id = new URL(classURL).pathname.split('/')[2];
  const seen = new Set();
  for (const lang of ['en', 'id']) {
    await teacher.goto(`${kelas.url}/account`);
    await teacher.evaluate(async (lang) => {
      const csrf = document.querySelector('input[name=csrf]').value;
      await fetch('/language', { method: 'POST', body: new URLSearchParams({ csrf, language: lang }) });
    }, lang);
    for (const [name, path] of Object.entries({ classes: '/classes', account: '/account', after: `/c/${id}/after`, attendance: `/c/${id}/attendance`, class: `/c/${id}`, nothing: '/c/nosuchclass' })) {
      await teacher.goto(kelas.url + path, { waitUntil: 'networkidle2' });
      seen.add(await livable(teacher, `${name}-${lang}`));
    }
  }
  assert.deepEqual([...seen].sort(), ['en', 'id']);
  const csv = await teacher.evaluate(async (u) => (await fetch(u)).text(), `${kelas.url}/c/${id}/attendance.csv`);
  assert.match(csv, /Rina/);
  const foreign = await open(chrome, `${kelas.url}/c/${id}/attendance`);
  await foreign.waitForSelector(byTest('problem-login'), { visible: true });
  assert.equal(await foreign.$(byTest('attendance-table')), null, 'a stranger has to log in');
});

test('no page broke its content policy or threw', () => {
  for (const [name, page] of Object.entries({ admin, teacher, phone })) {
    const own = page.errors.filter((e) => !/Failed to load resource.*40[0-9]/.test(e));
    assert.deepEqual(own, [], name);
  }
});
