import { ByteReader, ByteWriter, fromUtf8 } from '../../base/bytes.ts';
import { decoding } from './errors.ts';

/** `enum_session_state_type` of the server. */
export const SessionChangeType = {
  systemVariable: 0,
  schema: 1,
  stateChange: 2,
  gtids: 3,
  transactionCharacteristics: 4,
  transactionState: 5,
} as const;

/** One change of the session, told in an OK packet. `MySQL: Server Tracking of Client Session State`. */
export type SessionChange =
  | { readonly kind: 'system-variable'; readonly name: string; readonly value: string }
  | { readonly kind: 'schema'; readonly name: string }
  /** A GTID set in text form. */
  | { readonly kind: 'gtids'; readonly gtids: string }
  /** Eight characters, `T_______` and such; the first is `_` when no transaction is open. */
  | { readonly kind: 'transaction-state'; readonly state: string }
  | { readonly kind: 'other'; readonly type: number; readonly bytes: Uint8Array };

/** Reads `OkPacket.sessionChanges`. Throws MalformedPacketError. */
export function readSessionChanges(bytes: Uint8Array): SessionChange[] {
  return decoding('session changes', () => {
    const reader = new ByteReader(bytes);
    const changes: SessionChange[] = [];
    while (reader.left > 0) changes.push(...readChange(reader.u8(), reader.lengthEncodedBytes()));
    return changes;
  });
}

/** The form of one GTID change, for an answer of our own. */
export function writeGtidsChange(gtids: string): Uint8Array {
  const body = new ByteWriter().u8(0).lengthEncodedText(gtids).finish();
  return new ByteWriter().u8(SessionChangeType.gtids).lengthEncodedBytes(body).finish();
}

function readChange(type: number, bytes: Uint8Array): SessionChange[] {
  const reader = new ByteReader(bytes);
  switch (type) {
    case SessionChangeType.systemVariable:
      return readVariables(reader);
    case SessionChangeType.schema:
      return [{ kind: 'schema', name: fromUtf8(reader.lengthEncodedBytes()) }];
    case SessionChangeType.gtids:
      reader.u8(); // Encoding specification: text is the only one.
      return [{ kind: 'gtids', gtids: fromUtf8(reader.lengthEncodedBytes()) }];
    case SessionChangeType.transactionState:
      return [{ kind: 'transaction-state', state: fromUtf8(reader.lengthEncodedBytes()) }];
    default:
      return [{ kind: 'other', type, bytes }];
  }
}

/** One change may carry several variables. */
function readVariables(reader: ByteReader): SessionChange[] {
  const changes: SessionChange[] = [];
  while (reader.left > 0) {
    const name = fromUtf8(reader.lengthEncodedBytes());
    changes.push({ kind: 'system-variable', name, value: fromUtf8(reader.lengthEncodedBytes()) });
  }
  return changes;
}
