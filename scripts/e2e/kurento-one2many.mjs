// The calls of the one2many tutorial, in the order it makes them: one
// presenter, many viewers, candidates that come before their endpoints.
import { kurentoClient, Candidates } from './kurento-rig.mjs';

export class OneToMany {
  candidates = new Candidates();
  presenter = null;
  viewers = new Map();
  client = null;

  constructor(uri) { this.uri = uri; }

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

  async connection() {
    this.client ??= await kurentoClient(this.uri);
    return this.client;
  }

  /** Subscribes, and sends offer and gathering without waiting in between. */
  async negotiate(person, endpoint, sdpOffer, between = async () => {}) {
    endpoint.on('IceCandidateFound', (e) => person.send({
      id: 'iceCandidate', candidate: kurentoClient.getComplexType('IceCandidate')(e.candidate),
    }));
    const answer = endpoint.processOffer(sdpOffer);
    await between();
    const gathered = endpoint.gatherCandidates();
    await gathered;
    return answer;
  }

  async present(person, sdpOffer) {
    this.candidates.queues.delete(person);
    if (this.presenter) {
      return person.send({ id: 'presenterResponse', response: 'rejected', message: 'Another user is currently acting as presenter. Try again later ...' });
    }
    const mine = this.presenter = { person };
    const client = await this.connection();
    mine.pipeline = await client.create('MediaPipeline');
    mine.endpoint = await mine.pipeline.create('WebRtcEndpoint');
    await this.candidates.flush(person, mine.endpoint);
    const sdpAnswer = await this.negotiate(person, mine.endpoint, sdpOffer);
    return person.send({ id: 'presenterResponse', response: 'accepted', sdpAnswer });
  }

  async view(person, sdpOffer) {
    if (!this.presenter?.pipeline) {
      return person.send({ id: 'viewerResponse', response: 'rejected', message: 'No active presenter. Try again later...' });
    }
    const { pipeline, endpoint: source } = this.presenter;
    const endpoint = await pipeline.create('WebRtcEndpoint');
    this.viewers.set(person, { endpoint });
    await this.candidates.flush(person, endpoint);
    // The answer is made before anybody is connected to the viewer.
    const sdpAnswer = await this.negotiate(person, endpoint, sdpOffer, () => source.connect(endpoint));
    return person.send({ id: 'viewerResponse', response: 'accepted', sdpAnswer });
  }

  async stop(person) {
    if (this.presenter?.person === person) {
      for (const viewer of this.viewers.keys()) await viewer.send({ id: 'stopCommunication' });
      const { pipeline } = this.presenter;
      this.presenter = null;
      this.viewers.clear();
      await pipeline.release();
    } else if (this.viewers.has(person)) {
      const { endpoint } = this.viewers.get(person);
      this.viewers.delete(person);
      await endpoint.release();
    }
    this.candidates.queues.delete(person);
    if (this.viewers.size < 1 && !this.presenter && this.client) {
      this.client.close();
      this.client = null;
    }
  }
}
