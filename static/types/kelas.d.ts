// The shapes that travel between the server and the page (signaling/PROTOCOL.md)
// and the few third-party ones the page touches. Read by the type check only.

export type Role = "presenter" | "moderator" | "viewer";
export type Presence = "here" | "away" | "lost";
export type SlotName =
  | "mic" | "camera" | "screen" | "screenAudio"
  | "speaker1Audio" | "speaker1Video" | "speaker2Audio" | "speaker2Video";
export type EndpointRole = "presenter" | "viewer";

export interface Participant {
  id: string;
  name: string;
  role: Role;
  presence: Presence;
  media: boolean;
  presenting: boolean;
  /** A program. */
  bot?: boolean;
  joinedAt: number;
}

export interface SlotView {
  slot: SlotName;
  participant: string;
  live: boolean;
  codec: string;
  /** An encoder gives it, not the presenter's page. */
  encoder?: boolean;
}

export type Quality = "automatic" | "low" | "soundOnly";

/** What this viewer is sent in a slot: "layer" is a RID, "paused" says why there is nothing. */
export interface LayerView { slot: SlotName; layer: string; temporal: number; paused: "" | "line" | "choice" }

export interface ClassView {
  id: string;
  title: string;
  locked: boolean;
  liveSince: number;
  presenter: string;
  presenterLostUntil: number;
  slots: SlotView[];
  /** What another system wanted of the class; each left out when it is not so. */
  endsAt?: number;
  startMuted?: boolean;
  noPublicChat?: boolean;
  noPrivateChat?: boolean;
}

/** Somebody in the lobby. */
export interface Waiting { id: string; name: string; since: number }

export type ChatKind = "message" | "private" | "announcement" | "deletion";

export interface ChatEntry {
  seq: number;
  kind: ChatKind;
  from: { id: string; name: string; role: Role };
  to?: { id: string; name: string };
  text: string;
  clientId?: string;
  at: number;
  deleted?: boolean;
  target?: number;
}

export interface FileView {
  id: string;
  name: string;
  size: number;
  type: string;
  owner: { id: string; name: string };
  at: number;
  url: string;
  previewUrl?: string;
  hash?: string;
}

export interface Joined {
  session: string;
  resumed: boolean;
  you: Participant;
  class: ClassView;
  participants: Participant[];
  chat: ChatEntry[];
  chatMore: boolean;
  storedSeq: number;
  files: FileView[];
  iceServers: RTCIceServer[];
  limits?: Limits;
  welcome?: string;
  lobby?: Waiting[];
}

export interface Limits { chatMaxRunes: number; fileMaxSize: number }

export interface Publishing { mic: boolean; camera: boolean; screen: boolean; screenAudio: boolean }

export interface PageConfig {
  classId: string;
  title: string;
  language: string;
  languages: string[];
  csrf: string;
  /** base: the role of the identity, where role is only lent by a hand-over. */
  me: { name: string; role: Role; base?: Role; account: boolean };
  socketPath: string;
  limits: Limits;
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** back: of the system that sent the person here. */
  urls: { leave: string; back?: string; links?: string; attendance?: string; files?: string; uploads: string; language: string };
}

/** What failed, by code; every code has a sentence in i18n under error.<code>. */
export interface Fault { code: string; message: string }

export interface Phase {
  name: "connecting" | "online" | "lobby" | "lost" | "refused" | "closed";
  /** Attempts since the line was lost. */
  attempt: number;
  /** When the next attempt starts, in ms since 1970; 0 while one is under way. */
  retryAt: number;
  fault?: Fault;
}

// socket.io-client 4, the part that is used.
export interface Socket {
  connected: boolean;
  active: boolean;
  connect(): Socket;
  disconnect(): Socket;
  on(event: string, listener: (...args: any[]) => void): Socket;
  onAny(listener: (event: string, ...args: any[]) => void): Socket;
  emit(event: string, ...args: any[]): Socket;
  timeout(ms: number): { emit(event: string, body: unknown, ack: (err: Error | null, answer: any) => void): void };
  io: { engine?: { close(): void }; on?(event: "ping", listener: () => void): void };
}
export type Io = (url: string, options: Record<string, unknown>) => Socket;

// tus-js-client 4, the part that is used.
export interface TusUpload {
  url: string | null;
  start(): void;
  abort(terminate?: boolean): Promise<void>;
  findPreviousUploads(): Promise<object[]>;
  resumeFromPreviousUpload(previous: object): void;
}
export interface Tus {
  isSupported: boolean;
  Upload: new (file: Blob, options: Record<string, unknown>) => TusUpload;
}

declare global {
  interface Window {
    kelas?: { readonly state: () => object };
    tus?: Tus;
  }
}
