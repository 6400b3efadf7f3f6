// The network between browsers and server, and its faults. The server stands
// in a network namespace of its own at the other end of a veth pair (see
// ./network), so that what a wall or a bad line does to it happens on the way
// and not inside one machine: browsers are 10.77.0.1, the server is 10.77.0.2.
//
// Three tools: walls (nftables, dropping without a word as firewalls do),
// lines (TCP, the page's own way to the pages and the signaling, which can be
// cut for one page alone) and rough paths (UDP with loss and delay, from a
// seeded generator; the kernel's netem is not everywhere).
import { spawn, execFile } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const serverAddress = '10.77.0.2';
const roughAddress = '10.77.0.9';

export class Wire {
  #sleeper;
  #prefix = [];

  static async start() {
    const w = new Wire();
    w.#sleeper = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    await once(w.#sleeper, 'spawn');
    w.#prefix = ['nsenter', `--net=/proc/${w.#sleeper.pid}/ns/net`];
    // unshare is still on its way for a moment.
    for (let i = 0; ; i++) {
      const [own, there] = await Promise.all([run('readlink', ['/proc/self/ns/net']), run('readlink', [`/proc/${w.#sleeper.pid}/ns/net`])]);
      if (own.stdout !== there.stdout) break;
      if (i > 100) throw new Error('no second network namespace');
      await new Promise((r) => setTimeout(r, 20));
    }
    await run('ip', ['link', 'set', 'kelas1', 'netns', String(w.#sleeper.pid)]);
    for (const line of ['link set lo up', `addr add ${serverAddress}/24 dev kelas1`, 'link set kelas1 up', 'route add default via 10.77.0.1']) {
      await w.far('ip', ...line.split(' '));
    }
    // On lo, where no browser gathers candidates; the server's ARP still finds it.
    await run('ip', ['addr', 'add', `${roughAddress}/32`, 'dev', 'lo']);
    const table = (hook) => `table inet walls { chain ${hook} { type filter hook ${hook} priority -300; }; }`;
    await w.far('nft', `${table('prerouting')}`);
    await run('nft', [`${table('prerouting')}`]);
    return w;
  }

  /** What is put before a command to run it at the server's end. */
  get prefix() {
    return this.#prefix;
  }

  far(...command) {
    return run(this.#prefix[0], [...this.#prefix.slice(1), ...command]);
  }

  /**
   * Drops what matches, in nft's words, on its way to the server.
   *
   * @param {...string} matches such as "udp dport 8189"
   */
  async wall(...matches) {
    for (const m of matches) await this.far('nft', `add rule inet walls prerouting iifname kelas1 ${m} drop`);
  }

  /** The same on the way to the browsers. */
  async wallBack(...matches) {
    for (const m of matches) await run('nft', [`add rule inet walls prerouting iifname kelas0 ${m} drop`]);
  }

  /** Cuts both ways of what browsers send from these UDP ports. */
  async cutPorts(ports) {
    const set = `{ ${ports.join(', ')} }`;
    await this.wall(`udp sport ${set}`);
    await this.wallBack(`udp dport ${set}`);
  }

  /** Takes every wall down. */
  async open() {
    await this.far('nft', 'flush chain inet walls prerouting');
    await run('nft', ['flush chain inet walls prerouting']);
  }

  /** The browsers' machine gets another address, as by another Wi-Fi. */
  async moveTo(address, from) {
    await run('ip', ['addr', 'del', `${from}/24`, 'dev', 'kelas0']);
    await run('ip', ['addr', 'add', `${address}/24`, 'dev', 'kelas0']);
    await run('ip', ['route', 'replace', 'default', 'via', serverAddress]);
  }

  /** Leaves the namespace as ./network made it: other tests may come after. */
  async stop() {
    if (this.#prefix.length) {
      await this.far('ip', 'link', 'set', 'kelas1', 'netns', String(process.pid));
      for (const line of ['addr flush dev kelas0', 'addr add 10.77.0.1/24 dev kelas0', 'link set kelas1 up',
        'route replace default via 10.77.0.2', `addr del ${roughAddress}/32 dev lo`]) {
        await run('ip', line.split(' '));
      }
      await run('nft', ['delete table inet walls']);
    }
    this.#sleeper?.kill('SIGKILL');
  }
}

/** A page's own way to the server's pages and signaling. */
export class Line {
  #server;
  #target;
  #pairs = new Set();
  #state = 'whole';
  #held = [];

  static async start(port) {
    const l = new Line();
    l.#target = port;
    l.#server = createServer({ pauseOnConnect: true }, (c) => l.#accept(c)).listen(0, '127.0.0.1');
    await once(l.#server, 'listening');
    // localhost: other plain addresses get no camera.
    l.url = `http://localhost:${l.#server.address().port}`;
    return l;
  }

  #accept(client) {
    client.on('error', () => {});
    if (this.#state === 'broken') return client.resetAndDestroy();
    if (this.#state === 'silent') return void this.#held.push(client);
    const server = connect({ host: serverAddress, port: this.#target });
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#pairs.delete(pair);
    };
    server.on('error', end).on('close', end);
    client.on('error', end).on('close', end);
    client.pipe(server);
    server.pipe(client);
    client.resume();
  }

  /** Every connection breaks, and none comes about any more. */
  break() {
    this.#state = 'broken';
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Nothing passes any more, and nobody is told. */
  silence() {
    this.#state = 'silent';
    for (const { client, server } of this.#pairs) {
      client.unpipe(server);
      server.unpipe(client);
    }
  }

  mend() {
    const was = this.#state;
    this.#state = 'whole';
    if (was === 'silent') {
      for (const { client, server } of this.#pairs) {
        client.pipe(server);
        server.pipe(client);
      }
      for (const c of this.#held.splice(0)) this.#accept(c);
    }
  }

  stop() {
    this.break();
    this.#server.close();
  }
}

/** mulberry32: the same losses in every run. */
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** How long a narrow way keeps packets, in ms, before it throws away what comes. */
const narrowQueue = 400;

/** UDP to the media port over a line that loses and delays, both ways, and may be narrow towards each browser. */
export class RoughPath {
  /** Bits a second to each browser's port; 0: as many as one likes. */
  rate = 0;
  carried = 0;
  dropped = 0;
  #flows = new Map();
  #random;

  /** @param {{port: number, loss: number, delay: number, seed?: number}} how delay in ms, one way */
  static async start({ port, loss, delay, seed = 1 }) {
    const r = new RoughPath();
    Object.assign(r, { port, loss, delay });
    r.#random = generator(seed);
    r.socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    r.socket.bind(0, roughAddress);
    await once(r.socket, 'listening');
    r.socket.on('message', (m, from) => r.#fromBrowser(m, from));
    await run('nft', ['table inet rough { chain output { type nat hook output priority -100; }; }']);
    await run('nft', [`add rule inet rough output ip daddr ${serverAddress} ip saddr != ${roughAddress} udp dport ${port} `
      + `dnat ip to ${roughAddress}:${r.socket.address().port}`]);
    return r;
  }

  #fromBrowser(message, from) {
    const key = `${from.address}:${from.port}`;
    let flow = this.#flows.get(key);
    if (!flow) {
      flow = { from, queue: [] };
      this.#flows.set(key, flow);
      this.#route(flow);
    }
    this.#later(() => flow.ready?.then(() => flow.socket.send(message, this.port, serverAddress)));
  }

  /** A way to the server for one browser port, as a NAT has one. */
  #route(flow) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    flow.socket = socket;
    socket.bind(0, roughAddress);
    flow.ready = once(socket, 'listening');
    socket.on('message', (m) => this.#later(() => this.socket.send(m, flow.from.port, flow.from.address), this.#wait(flow, m.length)));
    socket.on('error', () => {});
  }

  /** How long a packet waits for its turn on a narrow way, in ms; Infinity: it is thrown away. */
  #wait(flow, size) {
    if (!this.rate) return 0;
    const now = performance.now();
    const wait = Math.max(0, (flow.freeAt ?? 0) - now);
    if (wait > narrowQueue) return Infinity;
    flow.freeAt = now + wait + ((size + 28) * 8000) / this.rate;
    return flow.freeAt - now;
  }

  #later(send, wait = 0) {
    if (this.#random() < this.loss || wait === Infinity) {
      this.dropped++;
      return;
    }
    this.carried++;
    setTimeout(() => {
      try {
        send();
      } catch { /* closed meanwhile */ }
    }, this.delay + wait);
  }

  /** The NAT forgets its ports and takes others, telling nobody. */
  rebind() {
    for (const flow of this.#flows.values()) {
      flow.socket.close();
      this.#route(flow);
    }
  }

  /** New connections go straight to the server again. */
  async leave() {
    await run('nft', ['flush chain inet rough output']);
  }

  async stop() {
    await run('nft', ['delete table inet rough']);
    this.socket.close();
    for (const { socket } of this.#flows.values()) socket.close();
  }
}
