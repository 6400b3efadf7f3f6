// The API as its README says it: the lines of "From nothing to a running
// class" are run as they stand, a bot comes in, and the LMS frames the class.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Kelas } from './kelas.mjs';
import { chromium, byTest } from './browsers.mjs';
import { Tab, eventually } from './clients.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = process.env.KELAS_BINARY ?? join(root, 'bin', 'kelas');
let kelas;

before(async () => { kelas = await Kelas.start(); });
after(async () => { await kelas?.stop(); });

/** Runs lines of a README, with kelas as the command of this server. */
async function shell(lines) {
  const script = `set -euo pipefail\nkelas() { "${binary}" "$@" --data-dir "${kelas.dir}"; }\n${lines}`;
  const child = spawn('bash', ['-c', script], { env: { ...process.env, KELAS: kelas.url }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { err += d; });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, `${err}\n${out}`);
  return out;
}

test('the README leads from nothing to a running class', { timeout: 60000 }, async () => {
  const readme = await readFile(join(root, 'signaling', 'rest', 'README.md'), 'utf8');
  const lines = readme.match(/```sh from-nothing\n([\s\S]*?)```/)[1];
  assert.ok(lines.trim().split('\n').length <= 10, 'more than ten lines');
  const out = await shell(lines);
  const link = (who) => new URL(out.match(new RegExp(`${who}: (\\S+)`))[1]);
  const teacher = link('teacher');
  const student = link('student');
  const id = teacher.pathname.slice('/c/'.length);
  assert.deepEqual(JSON.parse(out.slice(out.indexOf('{'))), { title: 'Biology 8B', people: 0, presenter: null });
  const sari = await new Tab(kelas.url, id, { token: teacher.searchParams.get('token') }).in();
  const budi = await new Tab(kelas.url, id, { token: student.searchParams.get('token') }).in();
  assert.equal(sari.you.role, 'presenter');
  assert.equal(budi.you.name, 'Budi');
  assert.equal(await new Tab(kelas.url, id, { token: student.searchParams.get('token') }).out(), 'tokenUsed');
  assert.equal(await new Tab(kelas.url, id, { token: `${student.searchParams.get('token').slice(0, -4)}AAAA` }).out(), 'tokenForged');
  await budi.say('Good morning');
  await sari.hears('chat', (c) => c.entry.text === 'Good morning');
  await sari.leave();
  await budi.leave();
});

test('the bot of the example is in the class', { timeout: 60000 }, async () => {
  await kelas.user('teacher', 'ibu.sari', 'hujan di bulan juni');
  const id = await kelas.class('Fisika', 'ibu.sari');
  const key = await kelas.cli(['apikey', 'add', '--name', 'Quiz', '--scope', 'bots:join,chat:read,files:write']);
  const token = await kelas.token(id, 'viewer', 'Budi');
  const budi = await new Tab(kelas.url, id, { token }).in();
  const bot = spawn('node', [join(root, 'scripts', 'bot.mjs'), kelas.url, id], { env: { ...process.env, KELAS_KEY: key }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [bot.stdout, bot.stderr]) stream.on('data', (d) => { said += d; });
  try {
    const came = await budi.hears('participantJoined', (e) => e.participant.name === 'Quiz');
    assert.equal(came.participant.bot, true, 'shown as a program');
    assert.equal(came.participant.role, 'viewer');
    await budi.say('!people');
    await budi.hears('chat', (c) => c.entry.text === '2 are here, Budi.');
    await budi.say('between you and me', { kind: 'private', to: came.participant.id });
    await budi.say('!minutes');
    const { file } = await budi.hears('file');
    assert.equal(file.name, 'minutes.txt');
    const minutes = await (await fetch(`${kelas.url}/c/${id}/files/${file.id}`, { headers: { authorization: `Bearer ${token}` } })).text();
    assert.match(minutes, /Budi: !people\n/);
    assert.doesNotMatch(minutes, /between you and me/, 'what was written to the bot alone is for nobody else');
    assert.equal(file.owner.name, 'Quiz');
    await kelas.cli(['apikey', 'revoke', key.split('_')[1]]);
    assert.equal(await new Tab(kelas.url, id, { token: key }).out(), 'keyInvalid');
  } finally {
    const ended = once(bot, 'exit');
    bot.kill('SIGTERM');
    const [code] = await ended;
    assert.equal(code, 0, said);
  }
  await budi.hears('participantLeft');
  await budi.leave();
});

/** Chromium shows an error of its own where a page may not be framed. */
async function refused(page, what) {
  const frame = await (await page.waitForSelector('iframe')).contentFrame();
  await eventually(what, () => frame.url().startsWith('chrome-error:'));
}

// Over TLS, from another site, with third-party cookies blocked: what a
// browser of today does to a class in an LMS's page.
test('an LMS shows the class in a frame, and nobody else does', { timeout: 120000 }, async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the certificate is the server's own
  const lms = createServer(); // certificate and page follow, once they are there
  let framed;
  let chrome;
  let link = '';
  try {
    lms.listen(0, 'localhost');
    await once(lms, 'listening');
    const origin = `https://localhost:${lms.address().port}`;
    framed = await Kelas.start(['--tls', 'self-signed', '--frame-ancestors', origin], { scheme: 'https' });
    const dir = join(framed.dir, 'tls');
    const names = await readdir(dir);
    const pem = async (what) => readFile(join(dir, names.find((n) => n.endsWith(what))));
    lms.setSecureContext({ key: await pem('.key'), cert: await pem('.crt') });
    lms.on('request', (_, answer) => {
      answer.setHeader('content-type', 'text/html');
      answer.end(`<!doctype html><title>Course</title><iframe src="${link}" width="1000" height="700" allow="camera; microphone; display-capture; fullscreen; autoplay"></iframe>`);
    });
    await framed.user('teacher', 'ibu.sari', 'hujan di bulan juni');
    const id = await framed.class('Kimia', 'ibu.sari');
    const token = await framed.cli(['token', '--class', id, '--role', 'viewer', '--name', 'Dewi', '--external-id', 's-7', '--once']);
    link = `${framed.url}/c/${id}?token=${token}`;

    chrome = await chromium({ acceptInsecureCerts: true, more: ['--test-third-party-cookie-phaseout'] });
    const page = await chrome.newPage();
    await page.goto(origin);
    const inside = async () => page.frames().find((f) => f.url().startsWith(`${framed.url}/c/`));
    const frame = await (await page.waitForSelector('iframe')).contentFrame();
    await frame.waitForSelector(byTest('chat-input'), { visible: true });
    assert.ok(!(await inside()).url().includes('token'), 'the address keeps the token');
    // The socket knows who it is by the frame's cookie: what is written arrives.
    const key = await framed.cli(['apikey', 'add', '--name', 'Reader', '--scope', 'chat:read']);
    await frame.type(byTest('chat-input'), 'From the course page');
    await frame.waitForFunction((sel) => !document.querySelector(sel).disabled, {}, byTest('chat-send'));
    await frame.click(byTest('chat-send'));
    const heard = await eventually('the message is stored', async () => {
      const answer = await fetch(`${framed.url}/api/v1/classes/${id}/chat`, { headers: { authorization: `Bearer ${key}` } });
      return (await answer.json()).items[0];
    });
    assert.equal(heard.text, 'From the course page');
    assert.equal(heard.from.name, 'Dewi');
    // The same browser loads the one-time link again.
    await page.reload();
    const again = await (await page.waitForSelector('iframe')).contentFrame();
    await again.waitForSelector(byTest('chat-input'), { visible: true });
    // The same page on another origin is refused by the browser.
    const stranger = await chrome.newPage();
    await stranger.goto(origin.replace('localhost', 'stranger.localhost'));
    await refused(stranger, 'a stranger frames the class');
    // And the LMS itself frames nothing else.
    link = `${framed.url}/login`;
    await page.goto(origin);
    await refused(page, 'the log-in page is framed');
  } finally {
    await chrome?.close();
    lms.closeAllConnections();
    lms.close();
    await framed?.stop();
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});
