// A camera: an RTSP server (RFC 2326) over TCP, with the picture and the tone
// of an ffmpeg that sends RTP to it.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { once } from 'node:events';

const streams = [
  { kind: 'video', pt: 96, map: 'H264/90000', source: 'testsrc2=size=320x240:rate=15',
    encode: ['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '15'] },
  { kind: 'audio', pt: 8, map: 'PCMA/8000', source: 'sine=frequency=440:sample_rate=8000', encode: ['-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'] },
];

export class Camera {
  watchers = new Set(); // sockets that play, with the channel of each stream
  asked = []; // methods, in order

  static async open(port = 0) {
    const c = new Camera();
    c.server = createServer((s) => c.serve(s)).listen(port, '127.0.0.1');
    await once(c.server, 'listening');
    c.port = c.server.address().port;
    c.url = `rtsp://127.0.0.1:${c.port}/camera`;
    const args = ['-nostdin', '-v', 'error'];
    for (const s of streams) args.push('-re', '-f', 'lavfi', '-i', s.source);
    c.sockets = [];
    for (const [i, s] of streams.entries()) {
      const socket = createSocket('udp4', (packet) => c.pass(i, packet)).bind(0, '127.0.0.1');
      await once(socket, 'listening');
      c.sockets.push(socket);
      args.push('-map', `${i}:0`, ...s.encode, '-payload_type', String(s.pt), '-f', 'rtp', `rtp://127.0.0.1:${socket.address().port}?pkt_size=1400`);
    }
    c.ffmpeg = spawn('ffmpeg', args, { stdio: 'ignore' });
    return c;
  }

  /** Gives a packet to everybody, interleaved (section 10.12). */
  pass(stream, packet) {
    for (const w of this.watchers) {
      const channel = w.channels[stream];
      if (channel === undefined) continue;
      w.socket.write(Buffer.concat([Buffer.from([0x24, channel, packet.length >> 8, packet.length & 255]), packet]));
    }
  }

  serve(socket) {
    const watcher = { socket, channels: {} };
    let text = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.watchers.delete(watcher));
    socket.on('data', (d) => {
      text = Buffer.concat([text, d]);
      for (;;) {
        if (text[0] === 0x24) { // its RTCP
          if (text.length < 4 || text.length < 4 + text.readUInt16BE(2)) return;
          text = text.subarray(4 + text.readUInt16BE(2));
          continue;
        }
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.subarray(0, end).toString();
        text = text.subarray(end + 4);
        this.answer(watcher, head);
      }
    });
  }

  answer(watcher, head) {
    const [, method, url] = /^(\w+) (\S+)/.exec(head);
    const header = (name) => new RegExp(`^${name}: *(.*)$`, 'mi').exec(head)?.[1].trim();
    this.asked.push(method);
    const say = (status, lines = [], body = '') => watcher.socket.write([`RTSP/1.0 ${status}`, `CSeq: ${header('CSeq')}`, 'Session: 4711', ...lines,
      ...(body ? [`Content-Length: ${body.length}`] : []), '', body].join('\r\n'));
    switch (method) {
      case 'OPTIONS': return say('200 OK', ['Public: DESCRIBE, SETUP, PLAY, TEARDOWN']);
      case 'DESCRIBE': {
        const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=camera', 'c=IN IP4 0.0.0.0', 't=0 0'];
        for (const [i, s] of streams.entries()) sdp.push(`m=${s.kind} 0 RTP/AVP ${s.pt}`, `a=rtpmap:${s.pt} ${s.map}`, ...(s.kind === 'video' ? [`a=fmtp:${s.pt} packetization-mode=1`] : []), `a=control:track${i}`);
        return say('200 OK', ['Content-Type: application/sdp', `Content-Base: ${this.url}/`], `${sdp.join('\r\n')}\r\n`);
      }
      case 'SETUP': {
        const channel = /interleaved=(\d+)/.exec(header('Transport') ?? '')?.[1];
        if (channel === undefined) return say('461 Unsupported Transport');
        watcher.channels[Number(/track(\d)/.exec(url)[1])] = Number(channel);
        return say('200 OK', [`Transport: RTP/AVP/TCP;unicast;interleaved=${channel}-${Number(channel) + 1}`]);
      }
      case 'PLAY':
        say('200 OK', ['Range: npt=0-']);
        return this.watchers.add(watcher);
      case 'TEARDOWN':
        this.watchers.delete(watcher);
        return say('200 OK');
      default: return say('200 OK');
    }
  }

  async close() {
    this.ffmpeg.kill('SIGKILL');
    for (const s of this.sockets) s.close();
    for (const w of this.watchers) w.socket.destroy();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}
