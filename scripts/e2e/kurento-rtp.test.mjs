// RtpEndpoint by the official client, with ffmpeg and GStreamer at the other
// end, in the clear and with SDES, and a browser behind it.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { grows, until } from './browsers.mjs';
import { probe, decode } from './files.mjs';
import { kurentoClient } from './kurento-rig.mjs';
import { openScene, seconds } from './kurento-studio.mjs';

const scene = openScene({ fox: true });
const { step, person } = scene;

/** Starts a program that ends with the test; done is its exit code and what it said. */
function program(t, name, ...args) {
  const child = spawn(name, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { said += d; });
  const done = once(child, 'exit').then(([code]) => ({ code, said }));
  t.after(async () => {
    child.kill('SIGKILL');
    await done;
  });
  return done;
}

/** A pair of UDP ports that are free, the first of them even. */
async function freePair() {
  for (;;) {
    const port = 20000 + 2 * Math.floor(Math.random() * 5000);
    const sockets = [createSocket('udp4'), createSocket('udp4')];
    try {
      for (const [i, s] of sockets.entries()) {
        s.bind(port + i);
        await Promise.race([once(s, 'listening'), once(s, 'error').then(([e]) => { throw e; })]);
      }
      return port;
    } catch { /* taken */ } finally {
      for (const s of sockets) s.close();
    }
  }
}

const media = {
  VP8: { kind: 'video', pt: 97, map: 'VP8/90000', encode: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k', '-g', '15'] },
  H264: { kind: 'video', pt: 99, map: 'H264/90000', fmtp: 'packetization-mode=1;profile-level-id=42c01f',
    encode: ['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '15'] },
  opus: { kind: 'audio', pt: 96, map: 'opus/48000/2', encode: ['-c:a', 'libopus', '-ac', '2'] },
  PCMU: { kind: 'audio', pt: 0, map: 'PCMU/8000', encode: ['-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'] },
};

/** A description with one m-line for each name. */
function describe(names, ports, protos, direction, lines = []) {
  const out = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'];
  for (const [i, name] of names.entries()) {
    const m = media[name];
    out.push(`m=${m.kind} ${ports[i]} ${protos} ${m.pt}`, `a=rtpmap:${m.pt} ${m.map}`);
    if (m.fmtp) out.push(`a=fmtp:${m.pt} ${m.fmtp}`);
    if (protos.endsWith('F') && m.kind === 'video') out.push(`a=rtcp-fb:${m.pt} nack pli`);
    if (lines[i]) out.push(lines[i]);
    out.push(`a=${direction}`);
  }
  return `${out.join('\r\n')}\r\n`;
}

const portsOf = (sdp) => [...sdp.matchAll(/^m=\w+ (\d+) /gm)].map((m) => Number(m[1]));
const keysOf = (sdp) => sdp.match(/^a=crypto:.*$/gm) ?? [];
const suite = 'AES_CM_128_HMAC_SHA1_80';
const sdes = (members) => kurentoClient.getComplexType('SDES')(members);
const newKey = () => randomBytes(30).toString('base64');

/** ffmpeg sends a picture and a tone to the ports of an answer. */
function send(t, names, answer, key = '') {
  const ports = portsOf(answer);
  const args = ['-nostdin', '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=15', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', '60'];
  for (const [i, name] of names.entries()) {
    const m = media[name];
    args.push('-map', m.kind === 'video' ? '0:v' : '1:a', ...m.encode, '-payload_type', m.pt);
    if (key) args.push('-srtp_out_suite', suite, '-srtp_out_params', key);
    args.push('-f', 'rtp', `${key ? 'srtp' : 'rtp'}://127.0.0.1:${ports[i]}?pkt_size=1200`);
  }
  return program(t, 'ffmpeg', ...args);
}

/** ffmpeg takes what comes by a description and decodes so many pictures. */
async function receive(t, names, ports, protos, keys, pictures) {
  const file = join(scene.dir, `in-${ports[0]}.sdp`);
  await writeFile(file, describe(names, ports, protos, 'recvonly', keys));
  const out = join(scene.dir, `out-${ports[0]}`);
  const done = program(t, 'ffmpeg', '-nostdin', '-loglevel', 'error', '-protocol_whitelist', 'file,udp,rtp,srtp', '-i', file,
    '-map', '0:v', '-frames:v', pictures, '-f', 'framecrc', `${out}.v`, '-map', '0:a', '-frames:a', pictures, '-f', 'framecrc', `${out}.a`);
  return done;
}

for (const [names, protos] of [[['VP8', 'opus'], 'RTP/AVP'], [['H264', 'PCMU'], 'RTP/SAVPF']]) {
  step(`ffmpeg sends ${names.join(' and ')} by ${protos}: Chromium, Firefox and a recorder take it`, async (t, studio) => {
    const key = protos.includes('SAVP') && newKey();
    const rtp = studio.watched(await studio.create('RtpEndpoint'), ['Error', 'MediaStateChanged', 'ConnectionStateChanged', 'MediaFlowOutStateChanged']);
    const offer = describe(names, [await freePair(), await freePair()], protos, 'sendonly', key ? names.map(() => `a=crypto:1 ${suite} inline:${key}`) : []);
    const answer = await rtp.processOffer(offer);
    assert.equal(keysOf(answer).length, key ? 2 : 0);
    await assert.rejects(new Promise((resolve, reject) => rtp.processOffer(offer, (e, sdp) => (e ? reject(e) : resolve(sdp)))), { code: 40208 });
    assert.equal(await rtp.getLocalSessionDescriptor(), answer);
    assert.equal(await rtp.getRemoteSessionDescriptor(), offer);
    // Firefox of Debian has no H264 without a download.
    const viewers = [await person(t, studio, 'chromium'), ...(names[0] === 'VP8' ? [await person(t, studio, 'firefox', scene.fox)] : [])];
    for (const v of viewers) await rtp.connect(await studio.join(v, 'recvonly'));
    const recorder = names[1] === 'opus' && await studio.recorder(`file://${scene.dir}/rtp.webm`, 'WEBM');
    if (recorder) {
      await rtp.connect(recorder);
      await recorder.record();
    }
    send(t, names, answer, key);
    for (const v of viewers) {
      await grows(`picture of ${v.name}`, () => v.frames(), 20);
      await grows(`sound of ${v.name}`, () => v.sound());
    }
    await until('media is connected', async () => await rtp.getMediaState() === 'CONNECTED');
    const stats = Object.values(await rtp.getStats()).filter((s) => s.type === 'inboundrtp');
    assert.equal(stats.length, 2);
    assert.ok(stats.every((s) => s.packetsReceived > 0 && s.bytesReceived > 0));
    if (recorder) {
      await recorder.stopAndWait();
      const file = await probe(join(scene.dir, 'rtp.webm'));
      assert.deepEqual([file.video, file.audio], ['vp8', 'opus']);
      assert.ok(await decode(join(scene.dir, 'rtp.webm')) > 10);
    }
    assert.deepEqual(rtp.told.filter((e) => e.name === 'Error'), []);
  });
}

/** An application's way to have a picture for who cannot ask: ffmpeg sends no PLI. */
async function askUntil(done, rtp) {
  const timer = setInterval(() => rtp.requestKeyframe(), 1000);
  try {
    return await done;
  } finally {
    clearInterval(timer);
  }
}

for (const protos of ['RTP/AVPF', 'RTP/SAVP']) {
  step(`a browser presents and ffmpeg decodes it by ${protos}`, async (t, studio) => {
    const names = ['VP8', 'opus'];
    const key = protos.includes('SAVP') && newKey();
    const me = await person(t, studio, 'me');
    const camera = await studio.join(me, 'sendonly');
    const rtp = await studio.create('RtpEndpoint');
    const ports = [await freePair(), await freePair()];
    const answer = await rtp.processOffer(describe(names, ports, protos, 'recvonly', key ? names.map(() => `a=crypto:1 ${suite} inline:${key}`) : []));
    const done = receive(t, names, ports, protos, keysOf(answer), 20);
    await camera.connect(rtp);
    // Without feedback in the description the server makes key frames by itself.
    const { code, said } = await (protos.endsWith('F') ? askUntil(done, rtp) : done);
    assert.equal(code, 0, said);
    const sent = Object.values(await rtp.getStats()).filter((s) => s.type === 'outboundrtp');
    assert.ok(sent.length === 2 && sent.every((s) => s.packetsSent > 0));
  });
}

step('an offer of the server with a key of the application, answered by GStreamer', async (t, studio) => {
  const keyBase64 = newKey();
  const me = await person(t, studio, 'me');
  const camera = await studio.join(me, 'sendonly');
  const rtp = await studio.create('RtpEndpoint', { crypto: sdes({ crypto: 'AES_128_CM_HMAC_SHA1_80', keyBase64 }) });
  const offer = await rtp.generateOffer();
  assert.ok(keysOf(offer).every((l) => l.includes(`inline:${keyBase64}`)), offer);
  const port = await freePair();
  const [audioPT, videoPT] = [/^m=audio \d+ \S+ (\d+)/m, /^m=video \d+ \S+ (\d+)/m].map((r) => offer.match(r)[1]);
  const ours = newKey();
  await rtp.processAnswer(['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0',
    `m=audio 0 RTP/SAVPF ${audioPT}`,
    `m=video ${port} RTP/SAVPF ${videoPT}`, `a=rtpmap:${videoPT} VP8/90000`, `a=rtcp-fb:${videoPT} nack pli`, `a=crypto:1 ${suite} inline:${ours}`, 'a=recvonly', ''].join('\r\n'));
  const ssrc = [...offer.matchAll(/a=ssrc:(\d+) /g)].at(-1)[1];
  const hex = Buffer.from(keyBase64, 'base64').toString('hex');
  const done = program(t, 'gst-launch-1.0', '-q', 'udpsrc', 'address=127.0.0.1', `port=${port}`,
    `caps=application/x-srtp,media=video,encoding-name=VP8,payload=${videoPT},clock-rate=90000,ssrc=(uint)${ssrc},roc=(uint)0,srtp-key=(buffer)${hex},srtp-cipher=(string)aes-128-icm,`
      + 'srtp-auth=(string)hmac-sha1-80,srtcp-cipher=(string)aes-128-icm,srtcp-auth=(string)hmac-sha1-80',
    '!', 'srtpdec', '!', 'rtpvp8depay', '!', 'vp8dec', '!', 'fakesink', 'num-buffers=20', 'sync=false');
  await camera.connect(rtp, 'VIDEO');
  const { code, said } = await askUntil(done, rtp);
  assert.equal(code, 0, said);
});

step('GStreamer sends by AVPF to a late viewer, who has a key frame made', async (t, studio) => {
  const rtp = await studio.create('RtpEndpoint');
  const from = await freePair();
  const answer = await rtp.processOffer(describe(['VP8'], [from], 'RTP/AVPF', 'sendonly'));
  const [to] = portsOf(answer);
  // One key frame a minute, unless one is asked for by RTCP.
  program(t, 'gst-launch-1.0', '-q', 'rtpbin', 'name=r', 'rtp-profile=avpf', 'videotestsrc', 'is-live=true', '!', 'video/x-raw,width=320,height=240,framerate=15/1', '!',
    'vp8enc', 'deadline=1', 'keyframe-max-dist=900', '!', 'rtpvp8pay', 'pt=97', 'mtu=1200', '!', 'r.send_rtp_sink_0',
    'r.send_rtp_src_0', '!', 'udpsink', 'host=127.0.0.1', `port=${to}`, `bind-port=${from}`,
    'r.send_rtcp_src_0', '!', 'udpsink', 'host=127.0.0.1', `port=${to + 1}`, 'sync=false', 'async=false',
    'udpsrc', 'address=127.0.0.1', `port=${from + 1}`, '!', 'r.recv_rtcp_sink_0');
  await until('it flows', async () => await rtp.getMediaState() === 'CONNECTED');
  await seconds(4); // the first key frame is gone from what is kept
  const late = await person(t, studio, 'late');
  await rtp.connect(await studio.join(late, 'recvonly'));
  await grows('picture', () => late.frames(), 20, 20000);
});

step('what cannot be: a key of the wrong length, no encryption where it was asked for', async (t, studio) => {
  await assert.rejects(studio.create('RtpEndpoint', { crypto: sdes({ crypto: 'AES_128_CM_HMAC_SHA1_80', key: 'short' }) }), { code: 40107 });
  await assert.rejects(studio.create('RtpEndpoint', { crypto: sdes({ crypto: 'AES_256_CM_HMAC_SHA1_32', key: 'x'.repeat(30) }) }), { code: 40107 });
  const rtp = await studio.create('RtpEndpoint', { crypto: sdes({ crypto: 'AES_256_CM_HMAC_SHA1_32', key: 'x'.repeat(46) }) });
  const plain = new Promise((resolve, reject) => rtp.processOffer(describe(['opus'], [20000], 'RTP/AVP', 'sendonly'), (e, sdp) => (e ? reject(e) : resolve(sdp))));
  await assert.rejects(plain, { code: 40201 });
});
