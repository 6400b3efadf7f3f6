// Files that were recorded, as a browser and ffprobe see them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { open } from './browsers.mjs';

/** Serves a folder, with ranges unless plain, and a page with a video element at /. */
export async function serveFiles(folder, { plain = false } = {}) {
  const http = createServer(async (req, res) => {
    if (req.url === '/') return res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>play</title><video muted></video>');
    const path = join(folder, basename(req.url));
    const { size } = await stat(path).catch(() => ({ size: -1 }));
    if (size < 0) return res.writeHead(404).end();
    const [, from, to] = plain ? [] : /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = to ? Math.min(Number(to), size - 1) : size - 1;
    if (start >= size) return res.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    res.writeHead(from === undefined ? 200 : 206, {
      ...(!plain && { 'accept-ranges': 'bytes', 'content-length': end - start + 1 }),
      ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    const body = createReadStream(path, { start, end }).pipe(res);
    res.on('close', () => body.destroy());
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address();
  return { port, url: `http://127.0.0.1:${port}`, close: () => http.close() };
}

/** Opens a file in a video element, seeks, plays to the end, and tells what it saw. */
export async function watch(t, browser, files, name, seconds) {
  const page = await open(browser, `${files.url}/`);
  t.after(() => page.browserContext().close());
  return page.evaluate(async (src, seconds) => {
    const video = document.querySelector('video');
    const happens = (what) => new Promise((resolve, reject) => {
      video.addEventListener(what, resolve, { once: true });
      video.addEventListener('error', () => reject(new Error(`${what}: ${video.error?.message}`)), { once: true });
    });
    const ready = happens('loadeddata');
    video.src = src;
    await ready;
    const seen = { duration: video.duration, width: video.videoWidth, seekable: video.seekable.length && video.seekable.end(0), shown: [] };
    let shown = -1;
    const look = () => video.requestVideoFrameCallback((_, m) => {
      shown = m.mediaTime;
      look();
    });
    look();
    for (const to of seconds) {
      const done = happens('seeked');
      video.currentTime = to;
      await done;
      // A picture of the place before may still be on its way to the screen.
      for (let i = 0; i < 50 && Math.abs(shown - to) > 0.3; i++) await new Promise((r) => setTimeout(r, 100));
      seen.shown.push(shown);
    }
    const from = video.currentTime;
    const ended = happens('ended');
    video.playbackRate = 2;
    await video.play();
    await ended;
    const { totalVideoFrames } = video.getVideoPlaybackQuality();
    return { ...seen, from, end: video.currentTime, frames: totalVideoFrames, sound: video.webkitAudioDecodedByteCount };
  }, `/${name}`, seconds);
}

/** What ffprobe reads: codecs by kind, the length, and whether all of it decodes. */
export async function probe(path) {
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', path]);
  const { streams, format } = JSON.parse(stdout);
  const video = streams.find((s) => s.codec_type === 'video');
  const audio = streams.find((s) => s.codec_type === 'audio');
  return { kinds: streams.map((s) => s.codec_type).sort(), video: video?.codec_name, audio: audio?.codec_name, width: video?.width, seconds: Number(format.duration) };
}

/** Has ffmpeg decode all of a file; what it complains of is an error. Returns the number of pictures. */
export async function decode(path) {
  const { stdout, stderr } = await promisify(execFile)('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, '-fps_mode', 'passthrough', '-f', 'framecrc', '-'], { maxBuffer: 64 << 20 });
  assert.equal(stderr, '', `ffmpeg complains of ${basename(path)}`);
  return stdout.split('\n').filter((l) => l.startsWith('0,')).length;
}

/** When each packet of a kind is shown, in seconds. */
export async function packets(path, kind) {
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-of', 'csv=p=0', '-select_streams', kind[0], '-show_entries', 'packet=pts_time', path], { maxBuffer: 64 << 20 });
  return stdout.split('\n').map(parseFloat).filter((n) => !Number.isNaN(n));
}

/** A file in a video element is what ffprobe says it is. */
export function checkSeen(seen, seconds, places) {
  assert.ok(Math.abs(seen.duration - seconds) < 0.1, `lasts ${seen.duration}, ffprobe says ${seconds}`);
  assert.ok(Math.abs(seen.seekable - seconds) < 0.1, `seekable to ${seen.seekable}`);
  assert.ok(Math.abs(seen.end - seconds) < 0.3, `ended at ${seen.end}`);
  for (const [i, to] of places.entries()) assert.ok(Math.abs(seen.shown[i] - to) < 0.3, `shows ${seen.shown[i]} after going to ${to}`);
  assert.ok(seen.frames > 10 && seen.sound > 1000, `${seen.frames} pictures, ${seen.sound} bytes of sound`);
}
