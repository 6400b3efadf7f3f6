// Application servers that record and play, with the calls of Kurento's
// hello-world-recording and player tutorials in their order.
import { App } from './kurento-apps.mjs';

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
    const recorder = await this.pipeline.create('RecorderEndpoint', { uri: this.path, mediaProfile: profiles[mode] });
    recorder.on('Recording', () => person.send({ id: 'recording' }));
    recorder.on('Stopped', () => person.send({ id: 'stopped' }));
    recorder.on('Paused', () => person.send({ id: 'paused' }));
    recorder.on('Error', (e) => person.send({ id: 'error', message: e.description }));
    await endpoint.connect(endpoint);
    if (mode !== 'video-only') await endpoint.connect(recorder, 'AUDIO');
    if (mode !== 'audio-only') await endpoint.connect(recorder, 'VIDEO');
    this.tellCandidates(person, endpoint);
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    await person.send({ id: 'startResponse', sdpAnswer });
    await endpoint.gatherCandidates();
    await this.candidates.flush(person, endpoint);
    this.endpoint = endpoint;
    this.recorder = recorder;
    await recorder.record();
  }

  async stop() {
    await this.recorder.stopAndWait();
    await this.pipeline.release();
  }

  async play(person, sdpOffer) {
    const endpoint = await this.begin(person);
    const player = await this.pipeline.create('PlayerEndpoint', { uri: this.path });
    await player.connect(endpoint);
    player.on('EndOfStream', async () => {
      await person.send({ id: 'playEnd' });
      await this.pipeline.release();
    });
    player.on('Error', (e) => person.send({ id: 'error', message: e.description }));
    this.tellCandidates(person, endpoint);
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    await person.send({ id: 'playResponse', response: 'accepted', sdpAnswer });
    await player.play();
    await endpoint.gatherCandidates();
    await this.candidates.flush(person, endpoint);
    this.endpoint = endpoint;
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
    this.tellCandidates(person, endpoint);
    const sdpAnswer = await endpoint.processOffer(sdpOffer);
    await person.send({ id: 'startResponse', sdpAnswer });
    endpoint.on('MediaStateChanged', (e) => { if (e.newState === 'CONNECTED') this.tellInfo(person); });
    await endpoint.gatherCandidates();
    player.on('Error', (e) => person.send({ id: 'error', message: e.description }));
    player.on('EndOfStream', () => person.send({ id: 'playEnd' }));
    await player.play();
    await this.candidates.flush(person, endpoint);
    this.endpoint = endpoint;
  }
}
