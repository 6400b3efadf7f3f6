// Reads getStats into the few figures a person can use. Pure.

/**
 * @typedef {object} Figures
 * @property {number} bitrate bits in a second, both kinds together
 * @property {number} loss 0..1 over the last interval
 * @property {number} rtt ms, or -1
 * @property {{width: number, height: number, fps: number, slot: string}[]} pictures
 * @property {string} path "udp", "tcp", "relay" or ""
 * @property {string} local candidate type
 * @property {string} remote candidate type
 */

/** @typedef {{bytes: number, packets: number, lost: number, at: number}} Totals */

/**
 * @param {Iterable<any>} report values of an RTCStatsReport
 * @param {"in" | "out"} direction
 * @param {(mid: string) => string} slotOf
 * @param {Totals | null} before
 * @returns {{figures: Figures, totals: Totals}}
 */
export function readFigures(report, direction, slotOf, before) {
  const all = [...report];
  /** @type {Map<string, any>} */
  const byId = new Map(all.map((s) => [s.id, s]));
  const streams = all.filter((s) => s.type === (direction === "in" ? "inbound-rtp" : "outbound-rtp"));
  const remotes = all.filter((s) => s.type === "remote-inbound-rtp");
  const totals = { bytes: 0, packets: 0, lost: 0, at: 0 };
  const pictures = [];
  for (const s of streams) {
    totals.at = Math.max(totals.at, s.timestamp ?? 0);
    totals.bytes += (direction === "in" ? s.bytesReceived : s.bytesSent) ?? 0;
    totals.packets += (direction === "in" ? s.packetsReceived : s.packetsSent) ?? 0;
    if (direction === "in") totals.lost += Math.max(0, s.packetsLost ?? 0);
    if (s.kind === "video" && s.frameWidth && (s.framesPerSecond ?? 0) > 0) {
      pictures.push({ width: s.frameWidth, height: s.frameHeight, fps: Math.round(s.framesPerSecond), slot: slotOf(s.mid ?? "") });
    }
  }
  for (const r of direction === "out" ? remotes : []) totals.lost += Math.max(0, r.packetsLost ?? 0);

  const pair = selectedPair(all, byId);
  const local = pair && byId.get(pair.localCandidateId);
  const remote = pair && byId.get(pair.remoteCandidateId);
  const seconds = before ? (totals.at - before.at) / 1000 : 0;
  const grown = (/** @type {"bytes" | "packets" | "lost"} */ key) => Math.max(0, totals[key] - (before?.[key] ?? 0));
  const lost = grown("lost");
  const expected = grown("packets") + (direction === "in" ? lost : 0);
  return {
    totals,
    figures: {
      bitrate: seconds > 0 ? (grown("bytes") * 8) / seconds : 0,
      loss: seconds > 0 && expected > 0 ? Math.min(1, lost / expected) : 0,
      rtt: pair?.currentRoundTripTime !== undefined ? Math.round(pair.currentRoundTripTime * 1000) : -1,
      pictures,
      path: local ? (local.candidateType === "relay" || remote?.candidateType === "relay" ? "relay" : local.protocol ?? "") : "",
      local: local?.candidateType ?? "",
      remote: remote?.candidateType ?? "",
    },
  };
}

/**
 * @param {any[]} all
 * @param {Map<string, any>} byId
 */
function selectedPair(all, byId) {
  const transport = all.find((s) => s.type === "transport" && s.selectedCandidatePairId);
  if (transport) return byId.get(transport.selectedCandidatePairId);
  return all.find((s) => s.type === "candidate-pair" && (s.selected || (s.nominated && s.state === "succeeded")));
}

/**
 * What a sending page sent as media, and all that came back, or null where the
 * browser does not count it.
 *
 * @param {Iterable<any>} report
 * @returns {{sent: number, received: number} | null}
 */
export function answered(report) {
  const all = [...report];
  const pair = selectedPair(all, new Map(all.map((s) => [s.id, s])));
  if (typeof pair?.bytesReceived !== "number") return null;
  const sent = all.reduce((sum, s) => sum + (s.type === "outbound-rtp" ? s.packetsSent ?? 0 : 0), 0);
  return { sent, received: pair.bytesReceived };
}

/**
 * How good the line is, in bars: 4 good, 3 fair, 2 weak, 1 bad.
 *
 * @param {{loss: number, rtt: number}} figures
 */
export function bars({ loss, rtt }) {
  if (loss > 0.15 || rtt > 1000) return 1;
  if (loss > 0.06 || rtt > 500) return 2;
  if (loss > 0.02 || rtt > 250) return 3;
  return 4;
}

/**
 * Which ways were tried, with the addresses that an administrator would have
 * to allow. Read from the two descriptions, which hold every candidate of the
 * attempt, trickled ones too; statistics forget those that never became a
 * pair. A TURN server that cannot be reached leaves no candidate, and was
 * tried all the same.
 *
 * @param {string} local SDP
 * @param {string} remote SDP
 * @param {RTCIceServer[]} servers
 * @returns {{ways: string[], turn: boolean}} such as "UDP 192.0.2.1:8189"
 */
export function triedWays(local, remote, servers) {
  const direct = candidates(local).some((c) => c.type !== "relay");
  const theirs = direct ? candidates(remote) : [];
  const turns = servers.flatMap((s) => s.urls).flatMap((url) => /^turns?:([^?]+)/i.exec(url)?.[1] ?? []);
  const few = (/** @type {string[]} */ list) => [...new Set(list)].slice(0, 2);
  const to = (/** @type {string} */ protocol) => (
    few(theirs.filter((c) => c.protocol === protocol).map((c) => `${protocol.toUpperCase()} ${c.address}`))
  );
  return { ways: [...to("udp"), ...to("tcp"), ...few(turns.map((host) => `TURN ${host}`))], turn: turns.length > 0 };
}

/** RFC 8839, 5.1: candidate-attribute. @param {string} sdp */
function candidates(sdp) {
  return [...sdp.matchAll(/^a=candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) typ (\S+)/gim)].map(([, protocol, ip, port, type]) => ({
    protocol: protocol.toLowerCase(), type: type.toLowerCase(), address: ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`,
  }));
}
