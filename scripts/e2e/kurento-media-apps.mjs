// Application servers that record and play, with the calls of Kurento's
// hello-world-recording, one2one-call-recording and player tutorials in their
// order.
import { App, OneToOne } from './kurento-apps.mjs';

const profiles = { 'video-and-audio': 'WEBM', 'video-only': 'WEBM_VIDEO_ONLY', 'audio-only': 'WEBM_AUDIO_ONLY' };

/** hello-world-recording: one's own picture, recorded, then played. */
export class Recording extends App {
  constructor(uri, path) {
    super(uri);
    this.path = path;
  }

  async message(person, m) {
    switch (m.id) {
      case 'start': return this.start(person, m);
      case 'stop': return this.stop();
      case 'play': return this.play(person, m.sdpOffer);
      case 'stopPlay': return this.pipeline.release();
      case 'onIceCandidate': return this.candidates.take(person, this.endpoint, m.candidate);
    }
  }

  async begin(person) {
    this.endpoint = null;
    this.candidates.queues.delete(person);
    this.pipeline = await (await this.connection()).create('MediaPipeline');
    return this.pipeline.create('WebRtcEndpoint');
  }

  async start(person, { sdpOffer, mode }) {
    const endpoint = await this.begin(person);
    await endpoint.connect(endpoint);
    const recorder = await this.pipeline.create('RecorderEndpoint', { uri: this.path, mediaProfile: profiles[mode] });
    recorder.on('Recording', () => person.send({ id: 'recording' }));
    recorder.on('Stopped', () => person.send({ id: 'stopped' }));
    recorder.on('Paused', () => person.send({ id: 'paused' }));
    recorder.on('Error', (e) => person.send({ id: 'error', message: e.description }));
    if (mode !== 'video-only') await endpoint.connect(recorder, 'AUDIO');
    if (mode !== 'audio-only') await endpoint.connect(recorder, 'VIDEO');
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    this.tellCandidates(person, endpoint);
    await person.send({ id: 'startResponse', sdpAnswer });
    await endpoint.gatherCandidates();
    this.recorder = recorder;
    await recorder.record();
    await this.candidates.flush(person, endpoint);
    this.endpoint = endpoint;
  }

  async stop() {
    const stopped = new Promise((resolve) => this.recorder.once('Stopped', resolve));
    await this.recorder.stop();
    await stopped;
    await this.pipeline.release();
  }

  async play(person, sdpOffer) {
    const endpoint = await this.begin(person);
    const player = await this.pipeline.create('PlayerEndpoint', { uri: this.path });
    await player.connect(endpoint);
    player.on('Error', (e) => person.send({ id: 'error', message: e.description }));
    player.on('EndOfStream', async () => {
      await person.send({ id: 'playEnd' });
      await this.pipeline.release();
    });
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    this.tellCandidates(person, endpoint);
    await player.play(); // before anybody can see it
    await person.send({ id: 'playResponse', response: 'accepted', sdpAnswer });
    await endpoint.gatherCandidates();
    await this.candidates.flush(person, endpoint);
    this.endpoint = endpoint;
  }
}

/** one2one-call-recording: both sides of a call are recorded, and either may be played. */
export class OneToOneRecording extends OneToOne {
  constructor(uri, folder) {
    super(uri);
    this.folder = folder;
  }

  async message(person, m) {
    const me = this.of(person);
    switch (m.id) {
      case 'play': return this.play(me, m);
      case 'stopPlay': return me.pipeline?.release();
      case 'onIceCandidate': return this.candidates.take(person, me?.endpoint, m.candidate);
      default: return super.message(person, m);
    }
  }

  file(user) { return `file://${this.folder}/${user}.webm`; }

  /** A call that was taken. The recorders are never told to stop: the pipeline is released. */
  async connect(caller, callee) {
    const users = [caller, callee];
    const pipeline = await (await this.connection()).create('MediaPipeline');
    const made = [], recorders = [];
    for (const _ of users) made.push(await pipeline.create('WebRtcEndpoint'));
    for (const user of users) recorders.push(await pipeline.create('RecorderEndpoint', { uri: this.file(user.name) }));
    for (const i of [0, 1]) {
      await made[i].connect(made[1 - i]);
      await made[i].connect(recorders[i]);
    }
    for (const user of users) user.pipeline = pipeline;
    const answer = await made[1].processOffer(callee.sdpOffer);
    await this.hand(callee, made[1]);
    await callee.person.send({ id: 'startCommunication', sdpAnswer: answer });
    await made[1].gatherCandidates();
    await this.hand(caller, made[0]);
    await caller.person.send({ id: 'callResponse', response: 'accepted', sdpAnswer: await made[0].processOffer(caller.sdpOffer) });
    await made[0].gatherCandidates();
    for (const recorder of recorders) await recorder.record();
  }

  /** Gives a user the endpoint, and the endpoint what candidates there are. */
  async hand(user, endpoint) {
    user.endpoint = endpoint;
    await this.candidates.flush(user.person, endpoint);
    this.tellCandidates(user.person, endpoint);
  }

  async play(me, { user, sdpOffer }) {
    if (!this.people.has(user)) return me.person.send({ id: 'playResponse', response: 'rejected', error: `No recording for user '${user}'` });
    const pipeline = me.pipeline = await (await this.connection()).create('MediaPipeline');
    const endpoint = await pipeline.create('WebRtcEndpoint');
    const player = await pipeline.create('PlayerEndpoint', { uri: this.file(user) });
    await player.connect(endpoint);
    player.on('Error', (e) => me.person.send({ id: 'error', message: e.description }));
    player.on('EndOfStream', async () => {
      me.endpoint = me.pipeline = null;
      await pipeline.release();
      await me.person.send({ id: 'playEnd' });
      await pipeline.release(); // as the tutorial does
    });
    await this.hand(me, endpoint);
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    await player.play();
    await me.person.send({ id: 'playResponse', response: 'accepted', sdpAnswer });
    await endpoint.gatherCandidates();
  }
}

/** player: a file or a camera for one viewer, with pause, seeking and the position. */
export class Player extends App {
  async message(person, m) {
    switch (m.id) {
      case 'start': return this.start(person, m);
      case 'pause': return this.player.pause();
      case 'resume': {
        await this.player.play();
        return this.tellInfo(person);
      }
      case 'stop': return this.pipeline.release();
      case 'doSeek': // without a callback the client swallows the error
        return new Promise((resolve) => {
          this.player.setPosition(m.position, (error) => resolve(error && person.send({ id: 'seek', message: 'Seek failed' })));
        });
      case 'getPosition': return person.send({ id: 'position', position: await this.player.getPosition() });
      case 'debugDot': return person.send({ id: 'dot', dot: await this.player.getElementGstreamerDot() });
      case 'onIceCandidate': return this.candidates.take(person, this.endpoint, m.candidate);
    }
  }

  async tellInfo(person) {
    const i = await this.player.getVideoInfo();
    await person.send({ id: 'videoInfo', isSeekable: i.isSeekable, initSeekable: i.seekableInit, endSeekable: i.seekableEnd, videoDuration: i.duration });
  }

  async start(person, { sdpOffer, videourl }) {
    this.endpoint = null;
    this.pipeline = await (await this.connection()).create('MediaPipeline');
    const endpoint = await this.pipeline.create('WebRtcEndpoint');
    const player = this.player = await this.pipeline.create('PlayerEndpoint', { uri: videourl });
    await player.connect(endpoint);
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    await person.send({ id: 'startResponse', sdpAnswer });
    this.tellCandidates(person, endpoint);
    await endpoint.gatherCandidates();
    endpoint.on('MediaStateChanged', (e) => { if (e.newState === 'CONNECTED') this.tellInfo(person); });
    player.on('Error', (e) => person.send({ id: 'error', message: e.description }));
    player.on('EndOfStream', () => person.send({ id: 'playEnd' }));
    await player.play();
    await this.candidates.flush(person, endpoint);
    this.endpoint = endpoint;
  }
}
