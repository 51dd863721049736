import { ByteReader, BytesError, concatBytes, fromUtf8 } from '../../base/bytes.ts';
import {
  Capability,
  ResponseHeader,
  wireHeaderBytes,
} from '../../mysql-bridge/protocol/constants.ts';
import { MalformedPacketError } from '../../mysql-bridge/protocol/errors.ts';
import {
  filterGreetingCapabilities,
  filterResponseCapabilities,
  readGreeting,
  readGreetingAnswer,
} from '../../mysql-bridge/protocol/handshake.ts';
import type { ClientErrorCode } from './client-error.ts';
import type { Run } from './wire-cutter.ts';

/**
 * Not passed between client and server: TLS and compression would hide the packets, and without column definitions the first byte
 * of a result could not be told from an OK.
 */
const hiddenCapabilities =
  Capability.ssl |
  Capability.compress |
  Capability.zstdCompression |
  Capability.optionalResultSetMetadata;

const passedCapabilities: number = ~hiddenCapabilities >>> 0;

/** The server's first packet, as it may be shown to the client. */
export type Offer =
  | {
      readonly kind: 'offered';
      readonly payload: Uint8Array;
      readonly capabilities: number;
      readonly connectionId: number;
    }
  /** An ERR in place of the greeting. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** The client's answer to the greeting, as it may be shown to the server. */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly payload: Uint8Array;
      readonly capabilities: number;
      readonly user: string;
    }
  | { readonly kind: 'refused'; readonly code: ClientErrorCode };

export function readOffer(payload: Uint8Array): Offer {
  if (payload[0] === ResponseHeader.err) return { kind: 'refused' };
  return orMalformed<Offer>(
    () => {
      const { connectionId, capabilities } = readGreeting(payload);
      return {
        kind: 'offered',
        payload: filterGreetingCapabilities(payload, passedCapabilities),
        capabilities: capabilities & passedCapabilities,
        connectionId,
      };
    },
    (reason) => ({ kind: 'malformed', reason }),
  );
}

export function readAnswer(payload: Uint8Array): Answer {
  return orMalformed<Answer>(
    () => {
      const answer = readGreetingAnswer(payload);
      if (answer.kind === 'tls-request') return { kind: 'refused', code: 'PROXY_TLS_NOT_OFFERED' };
      return {
        kind: 'answered',
        payload: filterResponseCapabilities(payload, passedCapabilities),
        capabilities: answer.response.capabilities & passedCapabilities,
        user: answer.response.user,
      };
    },
    () => ({ kind: 'refused', code: 'PROXY_PACKET_MALFORMED' }),
  );
}

function orMalformed<Value>(decode: () => Value, malformed: (reason: string) => Value): Value {
  try {
    return decode();
  } catch (thrown) {
    if (!(thrown instanceof MalformedPacketError)) throw thrown;
    return malformed(thrown.message);
  }
}

/** Gathers one small packet, its wire header included, from the runs of a cutter. */
export class PacketGatherer {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A copy of the wire bytes of the whole packet, or null until it is whole, or `too-large`. */
  add(run: Run): Uint8Array | null | 'too-large' {
    if (run.length > this.#bytesMax) return 'too-large';
    this.#parts.push(run.bytes);
    this.#length += run.bytes.length;
    if (this.#length > this.#bytesMax + wireHeaderBytes) return 'too-large';
    if (!run.isLast) return null;
    // Of one part `concatBytes` makes no copy, and a socket's chunk would stay in memory for a small packet's sake.
    const whole = new Uint8Array(concatBytes(this.#parts));
    this.#parts = [];
    this.#length = 0;
    return whole;
  }
}

/** The account named by a COM_CHANGE_USER packet, wire header included; null when there is none. */
export function userOfChangeUser(packet: Uint8Array): string | null {
  try {
    return fromUtf8(new ByteReader(packet, wireHeaderBytes + 1).nulTerminated());
  } catch (thrown) {
    if (thrown instanceof BytesError) return null;
    throw thrown;
  }
}
