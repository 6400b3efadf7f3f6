// The server under test: the real binary, on free ports, with a data folder
// of its own, that can be killed and started again.
import { spawn, execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const binary = process.env.KELAS_BINARY ?? join(root, 'bin', 'kelas');
export const host = '10.77.0.1';

/** A port of this machine that nobody listens on. */
export async function freeTCP() {
  const s = createServer().listen(0, '0.0.0.0');
  await once(s, 'listening');
  const { port } = s.address();
  s.close();
  return port;
}

async function freeUDP() {
  const s = createSocket('udp4').bind(0);
  await once(s, 'listening');
  const { port } = s.address();
  s.close();
  await once(s, 'close');
  return port;
}

export class Kelas {
  /** Log lines of all runs, for the report of a failure. */
  log = '';
  setupLink = '';

  /** @param {string[]} args @param {{prefix?: string[], address?: string, scheme?: string}} where it runs, and where its pages are */
  static async start(args = [], { prefix = [], address = '127.0.0.1', scheme = 'http' } = {}) {
    const k = new Kelas();
    k.dir = await mkdtemp(join(tmpdir(), 'kelas-e2e-'));
    k.port = await freeTCP();
    k.media = await freeUDP();
    k.mediaTCP = await freeTCP();
    k.args = args;
    k.command = [...prefix, binary];
    k.address = address;
    k.scheme = scheme;
    // Browsers give the camera to pages of this machine without TLS, and to no
    // other plain address; the media goes over the ordinary interface.
    k.url = `${scheme}://127.0.0.1:${k.port}`;
    await k.run();
    return k;
  }

  async run() {
    this.child = spawn(this.command[0], [...this.command.slice(1), 'serve', '--http', `${this.address}:${this.port}`,
      '--media-addr', `:${this.media}`, '--media-tcp-addr', `:${this.mediaTCP}`,
      '--data-dir', this.dir, ...this.args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.child, 'exit');
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (d) => {
        this.log += d;
        const m = this.log.match(/https?:\/\/\S+\/setup\?code=\S+/);
        if (m) this.setupLink = m[0];
      });
    }
    const deadline = Date.now() + 30000;
    for (;;) {
      try {
        const r = await fetch(`${this.scheme}://${this.address}:${this.port}/readyz`);
        if (r.ok) return;
      } catch { /* not listening yet */ }
      if (Date.now() > deadline || this.child.exitCode !== null) throw new Error(`the server did not start:\n${this.log}`);
      await new Promise((r) => setTimeout(r, 100));
    }
  }

  /** Ends the server at once, as a crash does. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await this.exited;
    }
    await rm(this.dir, { recursive: true, force: true });
    return this.child.exitCode;
  }

  /** Runs a command of the same binary on the same data while the server runs. */
  async cli(args, input = '') {
    const p = promisify(execFile)(binary, [...args, '--data-dir', this.dir]);
    p.child.stdin.end(input);
    const { stdout } = await p;
    return stdout.trim();
  }

  user(role, name, password) {
    return this.cli(['user', 'add', '--role', role, '--password-stdin', name], password);
  }

  class(title, owner) {
    return this.cli(['class', 'add', '--title', title, '--owner', owner]);
  }

  token(id, role, name) {
    return this.cli(['token', '--class', id, '--role', role, ...(name ? ['--name', name] : [])]);
  }
}
