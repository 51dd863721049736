/** Maxima of the transport. Defaults fit the core's defaults; every queue refuses what is past its maximum. */
export interface TransportLimits {
  /** Content of one frame of messages: one append with one huge entry must fit. */
  readonly frameBytesMax: number;
  /** Small messages are packed together up to this; a larger message travels alone. */
  readonly batchBytesMax: number;
  /** Messages that wait for one peer. */
  readonly queueMessagesMax: number;
  /** Bytes that wait for one peer; past it appends with entries are dropped, never votes or heartbeats. */
  readonly queueBytesMax: number;
  /** From the dial to the answer of the other side, and from an accepted connection to its hello. */
  readonly handshakeTimeoutMs: number;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /** A connection on which nothing of the peer came for less than twice as long is kept. */
  readonly keepaliveMs: number;
  /** Payload of one message of a snapshot. */
  readonly snapshotChunkBytes: number;
  /** A snapshot of which nothing is sent, or read, for so long is cut and taken up again. */
  readonly snapshotIdleMs: number;
  /** From the beginning of a fetch; past it a cut is final. */
  readonly snapshotMsMax: number;
  /** Snapshots sent to others at once. */
  readonly snapshotSendsMax: number;
  /** TCP connections at once, strangers included. */
  readonly connectionsMax: number;
  /** Nodes that are no members here, and called: so many are answered at once, */
  readonly strangersMax: number;
  /** and each is given up after so many dials in a row that failed. */
  readonly strangerDialsMax: number;
}

export const defaultTransportLimits: TransportLimits = {
  frameBytesMax: 68 * 1024 * 1024,
  batchBytesMax: 1024 * 1024,
  queueMessagesMax: 4096,
  queueBytesMax: 64 * 1024 * 1024,
  handshakeTimeoutMs: 2000,
  reconnectMsMin: 50,
  reconnectMsMax: 1000,
  keepaliveMs: 2000,
  snapshotChunkBytes: 256 * 1024,
  snapshotIdleMs: 10_000,
  snapshotMsMax: 6 * 60 * 60 * 1000,
  snapshotSendsMax: 2,
  connectionsMax: 256,
  strangersMax: 32,
  strangerDialsMax: 20,
};

/** Values in one frame: bounds what a small frame can make a decoder allocate. */
export const frameValuesMax = 1_000_000;

export const helloBytesMax = 4096;
