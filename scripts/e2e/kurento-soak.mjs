// What the server uses while the official client makes and releases things
// for minutes: node scripts/e2e/kurento-soak.mjs [MINUTES]
// Four applications at once, some of which go without a word. Prints the
// resident memory every half minute, and at the end with everything released.
import { readFile } from 'node:fs/promises';
import { startKelas, kurentoClient } from './kurento-rig.mjs';

const minutes = Number(process.argv[2] ?? 10);
const until = Date.now() + minutes * 60000;
console.trace = () => {};
const wait = (ms) => new Promise((r) => { setTimeout(r, ms); });
const kelas = await startKelas(['--kurento-collect-period', '5s']);
const counts = { lessons: 0, forgotten: 0 };

async function use() {
  const status = await readFile(`/proc/${kelas.child.pid}/status`, 'utf8');
  const metrics = await (await fetch(`${kelas.url}/metrics`)).text();
  const number = (name) => metrics.match(new RegExp(`^${name} (\\S+)`, 'm'))?.[1] ?? '?';
  return `RSS ${status.match(/VmRSS:\s+(\d+)/)[1]} KiB, ${number('go_goroutines')} goroutines, ` +
    `${number('kelas_kurento_sessions')} sessions, ${number('kelas_kurento_objects')} objects`;
}

/** One lesson: a presenter, viewers, everything negotiated and asked for. */
async function lesson(client, release) {
  const pipeline = await client.create('MediaPipeline');
  const page = await pipeline.create('WebRtcEndpoint'); // whose offers are as good as a browser's
  const presenter = await pipeline.create('WebRtcEndpoint');
  presenter.on('IceCandidateFound', () => {});
  await presenter.processOffer(await page.generateOffer());
  await presenter.gatherCandidates();
  for (let i = 0; i < 3; i++) {
    const [viewer, other] = [await pipeline.create('WebRtcEndpoint'), await pipeline.create('WebRtcEndpoint')];
    viewer.on('IceCandidateFound', () => {});
    viewer.on('MediaStateChanged', () => {});
    await viewer.processOffer(await other.generateOffer());
    await presenter.connect(viewer);
    await viewer.gatherCandidates();
    await viewer.addTag('seat', String(i));
    await viewer.getStats();
    await other.release();
    if (i > 0) await viewer.release();
  }
  await pipeline.getChildren();
  if (release) await pipeline.release();
}

async function application(n) {
  for (let k = 0; Date.now() < until; k++) {
    // It comes by a socket of its own, stays for some lessons and goes; every
    // fourth time it leaves its last one behind.
    const client = await kurentoClient(kelas.kurento, { duplicates_timeout: 100 });
    for (let i = 0; i < 10 && Date.now() < until; i++) {
      const forget = i === 9 && k % 4 === n;
      await lesson(client, !forget);
      counts.lessons++;
      if (forget) counts.forgotten++;
    }
    client.close();
  }
}

console.log(`at first: ${await use()}`);
const running = Promise.all([0, 1, 2, 3].map(application));
const sampling = (async () => {
  for (let s = 30; Date.now() < until; s += 30) {
    await wait(Math.min(30000, until - Date.now()));
    console.log(`${s} s: ${await use()}; ${counts.lessons} lessons, ${counts.forgotten} forgotten`);
  }
})();
await running;
await sampling;
await wait(15000); // the collector goes by
console.log(`at last: ${await use()}; ${counts.lessons} lessons, ${counts.forgotten} forgotten`);
await kelas.stop();
process.exit(0);
