// A bot: it comes into a class with an API key, says how many are there when
// somebody writes !people, and shares the chat as a file on !minutes.
//
//   KELAS_KEY=kelas_... node scripts/bot.mjs https://class.example.org CLASS
//
// The key needs bots:join, chat:read and files:write.
import { io } from 'socket.io-client';

const [server, classId] = process.argv.slice(2);
const key = process.env.KELAS_KEY;
if (!server || !classId || !key) {
  console.error('usage: KELAS_KEY=kelas_... node scripts/bot.mjs SERVER CLASS');
  process.exit(2);
}

/** The other half of the API, for what the socket does not do. */
async function api(method, path, body, headers = {}) {
  const answer = await fetch(`${server}/api/v1${path}`, { method, body, headers: { authorization: `Bearer ${key}`, ...headers } });
  if (!answer.ok) throw new Error((await answer.json()).title);
  return answer;
}

const socket = io(server, { transports: ['websocket'], auth: { class: classId, token: key } });
const here = new Set();
let me = '';
let session;
let last = 0; // the newest message that was seen: after a cut line only what is new is answered

const say = (text) => socket.emit('chat', { text });

socket.on('connect', () => socket.emit('join', { session, lastSeq: last }));
socket.on('connect_error', (e) => {
  console.error(e.data?.message ?? e.message);
  if (e.data && !socket.active) process.exit(1); // it was turned away
});
socket.on('joined', (picture) => {
  const first = !session;
  ({ session } = picture);
  me = picture.you.id;
  here.clear();
  for (const p of picture.participants) here.add(p.id);
  const missed = picture.chat.filter((entry) => entry.seq > last);
  last = Math.max(last, ...picture.chat.map((entry) => entry.seq));
  if (first) console.log(`${picture.you.name} is in ${picture.class.title}`);
  else missed.forEach(heard);
});
socket.on('participantJoined', ({ participant }) => here.add(participant.id));
socket.on('participantLeft', ({ id }) => here.delete(id));
socket.on('chat', ({ entry }) => {
  last = Math.max(last, entry.seq);
  heard(entry);
});

/** What all have read: a key also sees what was written to its bot alone. */
async function minutes() {
  const lines = [];
  for (let cursor = ''; ;) {
    const page = await (await api('GET', `/classes/${classId}/chat?limit=200${cursor && `&cursor=${cursor}`}`)).json();
    for (const m of page.items) if (m.kind !== 'private' && !m.deleted) lines.push(`[${m.at}] ${m.from.name}: ${m.text}\n`);
    if (!page.next) return lines.join('');
    cursor = page.next;
  }
}

async function heard(entry) {
  if (entry.from.id === me || entry.kind === 'deletion') return;
  try {
    if (entry.text === '!people') say(`${here.size} are here, ${entry.from.name}.`);
    if (entry.text === '!minutes') {
      await api('POST', `/classes/${classId}/files?name=minutes.txt`, await minutes(), { 'content-type': 'application/octet-stream' });
    }
  } catch (e) {
    say(`That did not work: ${e.message}`);
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => socket.emit('leave', {}, () => { socket.close(); process.exit(0); }));
}
