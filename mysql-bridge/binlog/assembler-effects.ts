import type { BinlogErrorCode } from './binlog-error.ts';
import type { EntryPayload } from './entry-payload.ts';
import type { Gtid } from './gtid.ts';
import type { BinlogPosition } from './position.ts';

/** Orders of the transaction assembler to its shell, in the order to carry them out. */
export type AssemblerEffect =
  | PayloadEffect
  | TransactionReceivedEffect
  | {
      /** The stream goes on in this file; sent before its first event, and repeated after a reconnect. */
      readonly kind: 'rotate';
      readonly position: BinlogPosition;
    }
  | {
      /** The event whole, as sent: what follows is to be read by it. */
      readonly kind: 'format-description';
      readonly event: Uint8Array;
    }
  | {
      /** The server is alive and has sent everything up to `position`. */
      readonly kind: 'heartbeat';
      readonly position: BinlogPosition;
    }
  | {
      /** The stream is not what a healthy server sends. Nothing comes after it; the connection must be given up. */
      readonly kind: 'fault';
      readonly code: BinlogErrorCode;
      readonly reason: string;
    };

/** To propose. A final one comes only when the whole transaction was received and checked. */
export interface PayloadEffect {
  readonly kind: 'payload';
  readonly payload: EntryPayload;
  /** `payload`, encoded; its events are a view on this memory, so that nothing is copied again. */
  readonly encoded: Uint8Array;
}

/** The transaction of the final payload just given is complete. */
export interface TransactionReceivedEffect {
  readonly kind: 'transaction-received';
  readonly gtid: Gtid;
  readonly transactionBytes: bigint;
  /** How many payloads it took. */
  readonly fragments: number;
  /** The position right behind the transaction: what a semisync ack for it must name. */
  readonly end: BinlogPosition;
  readonly needsAck: boolean;
  /** When the server wrote it into its binlog, by its wall clock. */
  readonly commitTimestampUs: number;
  /** The server's number of the client's connection, as `pseudo_thread_id` has it; 0 when no statement event names one. */
  readonly connectionId: number;
}
