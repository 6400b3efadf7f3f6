// Application servers that make the calls of Kurento's tutorials in the order
// the tutorials make them, with their messages to the page.
import { kurentoClient, Candidates } from './kurento-rig.mjs';

/** Two calls of which the second is sent before the first is answered. */
const both = (first, second) => Promise.all([first(), second()]);

/** What all of them do: one client for all people, made when it is needed. */
export class App {
  candidates = new Candidates();
  client = null;

  constructor(uri) { this.uri = uri; }

  async connection() {
    this.client ??= await kurentoClient(this.uri);
    return this.client;
  }

  /** Has the endpoint's candidates sent to the page. */
  tellCandidates(person, endpoint, name) {
    endpoint.on('IceCandidateFound', (e) => person.send({
      id: 'iceCandidate', name, candidate: kurentoClient.getComplexType('IceCandidate')(e.candidate),
    }));
  }

  close() {
    this.client?.close();
    this.client = null;
  }
}

/** one2many-call: one presenter, many viewers. */
export class OneToMany extends App {
  presenter = null;
  viewers = new Map();

  async message(person, m) {
    switch (m.id) {
      case 'presenter': return this.present(person, m.sdpOffer);
      case 'viewer': return this.view(person, m.sdpOffer);
      case 'onIceCandidate': return this.candidates.take(person, this.endpointOf(person), m.candidate);
      case 'stop': return this.stop(person);
      default: return person.send({ id: 'error', message: `Invalid message ${m.id}` });
    }
  }

  endpointOf(person) {
    if (this.presenter?.person === person) return this.presenter.endpoint;
    return this.viewers.get(person)?.endpoint;
  }

  async present(person, sdpOffer) {
    this.candidates.drop(person);
    if (this.presenter) {
      await this.stop(person);
      return person.send({ id: 'presenterResponse', response: 'rejected', message: 'Another user is currently acting as presenter. Try again later ...' });
    }
    const mine = this.presenter = { person };
    const client = await this.connection();
    mine.pipeline = await client.create('MediaPipeline');
    mine.endpoint = await mine.pipeline.create('WebRtcEndpoint');
    this.candidates.flush(person, mine.endpoint);
    this.tellCandidates(person, mine.endpoint);
    await both(async () => {
      const sdpAnswer = await mine.endpoint.processOffer(sdpOffer);
      await person.send({ id: 'presenterResponse', response: 'accepted', sdpAnswer });
    }, () => mine.endpoint.gatherCandidates());
  }

  async view(person, sdpOffer) {
    this.candidates.drop(person);
    if (!this.presenter?.pipeline) {
      await this.stop(person);
      return person.send({ id: 'viewerResponse', response: 'rejected', message: 'No active presenter. Try again later...' });
    }
    const { pipeline, endpoint: source } = this.presenter;
    const endpoint = await pipeline.create('WebRtcEndpoint');
    this.viewers.set(person, { endpoint });
    this.candidates.flush(person, endpoint);
    this.tellCandidates(person, endpoint);
    // The answer is made before anybody is connected to the viewer.
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    await source.connect(endpoint);
    person.send({ id: 'viewerResponse', response: 'accepted', sdpAnswer });
    await endpoint.gatherCandidates();
  }

  async stop(person) {
    if (this.presenter?.person === person) {
      for (const viewer of this.viewers.keys()) await viewer.send({ id: 'stopCommunication' });
      const released = this.presenter.pipeline.release();
      this.presenter = null;
      this.viewers.clear();
      await released;
    } else if (this.viewers.has(person)) {
      const { endpoint } = this.viewers.get(person);
      this.viewers.delete(person);
      await endpoint.release();
    }
    this.candidates.drop(person);
    if (this.viewers.size < 1 && !this.presenter) this.close();
  }
}

/** hello-world: everybody sees themselves. */
export class HelloWorld extends App {
  sessions = new Map();

  async message(person, m) {
    switch (m.id) {
      case 'start': return this.start(person, m.sdpOffer);
      case 'onIceCandidate': return this.candidates.take(person, this.sessions.get(person)?.endpoint, m.candidate);
      case 'stop': return this.stop(person);
    }
  }

  async start(person, sdpOffer) {
    const client = await this.connection();
    const pipeline = await client.create('MediaPipeline');
    const endpoint = await pipeline.create('WebRtcEndpoint');
    this.candidates.flush(person, endpoint);
    await endpoint.connect(endpoint);
    this.tellCandidates(person, endpoint);
    await both(async () => {
      const sdpAnswer = await endpoint.processOffer(sdpOffer);
      // Candidates that came since the first ones are never added.
      this.sessions.set(person, { pipeline, endpoint });
      await person.send({ id: 'startResponse', sdpAnswer });
    }, () => endpoint.gatherCandidates());
  }

  async stop(person) {
    const { pipeline } = this.sessions.get(person);
    this.sessions.delete(person);
    this.candidates.drop(person);
    await pipeline.release();
  }
}

/** one2one-call: people call one another by name. */
export class OneToOne extends App {
  people = new Map(); // by name: {person, name, peer, sdpOffer, endpoint, pipeline}

  of(person) { return [...this.people.values()].find((u) => u.person === person); }

  async message(person, m) {
    const me = this.of(person);
    switch (m.id) {
      case 'register': {
        if (this.people.has(m.who)) return person.send({ id: 'registerResponse', response: 'rejected', message: `User ${m.who} is already registered` });
        this.people.set(m.who, { person, name: m.who });
        return person.send({ id: 'registerResponse', response: 'accepted' });
      }
      case 'call': {
        this.candidates.drop(person);
        const callee = this.people.get(m.to);
        if (!callee) return person.send({ id: 'callResponse', response: 'rejected', message: `User ${m.to} is not registered` });
        Object.assign(me, { sdpOffer: m.sdpOffer, peer: callee });
        callee.peer = me;
        return callee.person.send({ id: 'incomingCall', from: me.name });
      }
      case 'incomingCallResponse': return this.respond(me, m);
      case 'onIceCandidate': return this.candidates.take(person, me?.endpoint, m.candidate);
      case 'stop': return this.stop(me);
    }
  }

  async respond(callee, m) {
    this.candidates.drop(callee.person);
    const caller = callee.peer;
    if (m.callResponse !== 'accept') {
      caller.peer = callee.peer = null;
      return caller.person.send({ id: 'callResponse', response: 'rejected', message: 'user declined' });
    }
    callee.sdpOffer = m.sdpOffer;
    await this.connect(caller, callee);
  }

  /** A call that was taken. */
  async connect(caller, callee) {
    const pipeline = await (await this.connection()).create('MediaPipeline');
    const made = new Map();
    for (const user of [caller, callee]) {
      const endpoint = await pipeline.create('WebRtcEndpoint');
      made.set(user, endpoint);
      this.candidates.flush(user.person, endpoint);
      this.tellCandidates(user.person, endpoint);
    }
    await made.get(caller).connect(made.get(callee));
    const back = made.get(callee).connect(made.get(caller)); // not waited for
    for (const [user, endpoint] of made) Object.assign(user, { endpoint, pipeline });
    const answers = new Map();
    for (const user of [caller, callee]) {
      await both(async () => answers.set(user, await user.endpoint.processOffer(user.sdpOffer)), () => user.endpoint.gatherCandidates());
    }
    await back;
    await callee.person.send({ id: 'startCommunication', sdpAnswer: answers.get(callee) });
    await caller.person.send({ id: 'callResponse', response: 'accepted', sdpAnswer: answers.get(caller) });
  }

  async stop(user) {
    const { peer, pipeline } = user;
    const released = pipeline?.release();
    for (const u of [user, peer]) if (u) u.peer = u.endpoint = u.pipeline = null;
    await peer?.person.send({ id: 'stopCommunication', message: 'remote user hanged out' });
    this.candidates.drop(user.person);
    await released;
  }
}

/** group-call: rooms in which everybody sees everybody. */
export class GroupCall extends App {
  rooms = new Map(); // by name: {pipeline, people: Map}

  async message(person, m) {
    switch (m.id) {
      case 'joinRoom': return this.join(person, m.who, m.room);
      case 'receiveVideoFrom': return this.receive(person.user, m);
      case 'onIceCandidate': {
        const key = `${person.user.who}/${m.name}`;
        return this.candidates.take(key, m.name === person.user.who ? person.user.outgoing : person.user.incoming.get(m.name), m.candidate);
      }
      case 'leaveRoom': return this.leave(person.user);
    }
  }

  async join(person, who, name) {
    const client = await this.connection();
    if (!this.rooms.has(name)) this.rooms.set(name, { name, people: new Map(), pipeline: await client.create('MediaPipeline') });
    const room = this.rooms.get(name);
    const user = { person, who, room, incoming: new Map(), outgoing: await room.pipeline.create('WebRtcEndpoint') };
    person.user = user;
    this.tellCandidates(person, user.outgoing, who);
    for (const other of room.people.values()) await other.person.send({ id: 'newParticipantArrived', name: who });
    await person.send({ id: 'existingParticipants', data: [...room.people.keys()] });
    room.people.set(who, user);
  }

  async endpointFor(user, sender) {
    if (sender === user.who) return user.outgoing;
    if (!user.incoming.has(sender)) {
      const endpoint = await user.room.pipeline.create('WebRtcEndpoint');
      this.tellCandidates(user.person, endpoint, sender);
      user.incoming.set(sender, endpoint);
    }
    const endpoint = user.incoming.get(sender);
    await user.room.people.get(sender).outgoing.connect(endpoint);
    return endpoint;
  }

  async receive(user, { sender, sdpOffer }) {
    const sdpAnswer = await (await this.endpointFor(user, sender)).processOffer(sdpOffer);
    await user.person.send({ id: 'receiveVideoAnswer', name: sender, sdpAnswer });
    const endpoint = await this.endpointFor(user, sender); // which connects once more
    await endpoint.gatherCandidates();
    this.candidates.flush(`${user.who}/${sender}`, endpoint);
  }

  async leave(user) {
    const { room } = user;
    room.people.delete(user.who);
    const released = [];
    for (const other of room.people.values()) {
      released.push(other.incoming.get(user.who)?.release());
      other.incoming.delete(user.who);
      await other.person.send({ id: 'participantLeft', name: user.who });
    }
    for (const endpoint of user.incoming.values()) released.push(endpoint.release());
    released.push(user.outgoing.release());
    await Promise.all(released);
    if (room.people.size === 0) {
      this.rooms.delete(room.name);
      await room.pipeline.release();
    }
  }
}

/** Publishing as OpenVidu does it: through a PassThrough, which is cut off to mute. */
export class Publishing extends App {
  endpoints = new Map();

  async message(person, m) {
    switch (m.id) {
      case 'publish': return this.publish(person, m.sdpOffer);
      case 'subscribe': return this.subscribe(person, m.sdpOffer);
      case 'mute': return this.publisher.disconnect(this.out, ...m.kinds);
      case 'unmute': return this.publisher.connect(this.out, ...m.kinds);
      case 'onIceCandidate': return this.candidates.take(person, this.endpoints.get(person), m.candidate);
    }
  }

  async endpoint(person) {
    const endpoint = await this.pipeline.create('WebRtcEndpoint');
    for (const bound of ['setMaxVideoRecvBandwidth', 'setMaxVideoSendBandwidth']) endpoint[bound](1000);
    for (const bound of ['setMinVideoRecvBandwidth', 'setMinVideoSendBandwidth']) endpoint[bound](300);
    this.endpoints.set(person, endpoint);
    await this.candidates.flush(person, endpoint);
    return endpoint;
  }

  async answer(person, endpoint, sdpOffer) {
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    const gathered = endpoint.gatherCandidates();
    await person.send({ id: 'answer', sdpAnswer });
    await gathered;
  }

  async publish(person, sdpOffer) {
    this.pipeline = await (await this.connection()).create('MediaPipeline');
    const endpoint = this.publisher = await this.endpoint(person);
    this.out = await this.pipeline.create('PassThrough');
    this.tellCandidates(person, endpoint);
    await endpoint.connect(this.out);
    await this.answer(person, endpoint, sdpOffer);
  }

  async subscribe(person, sdpOffer) {
    const endpoint = await this.endpoint(person);
    this.tellCandidates(person, endpoint);
    await this.out.connect(endpoint);
    await this.answer(person, endpoint, sdpOffer);
  }
}
