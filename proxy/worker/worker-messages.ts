import type { LogFields } from '../../base/logger.ts';
import type { ListenAddress, PortName, ProxyLimits, ReadMode } from '../options.ts';
import type { BlockingSession, ProxyView } from '../proxy-api.ts';

/** What a worker is started with. */
export interface WorkerSettings {
  readonly worker: number;
  readonly workers: number;
  readonly gateBuffer: SharedArrayBuffer;
  readonly timingsBuffer: SharedArrayBuffer;
  readonly addresses: Readonly<Record<PortName, ListenAddress>>;
  readonly limits: ProxyLimits;
  readonly readMode: ReadMode;
  readonly reservedUsers: readonly string[];
}

/** Main thread to worker. Permissions are in shared memory before the message that tells of them is sent. */
export type ToWorker =
  | { readonly kind: 'view'; readonly view: ProxyView }
  /** The gate was opened or closed: sessions of a past epoch end, waiting ones may find a target. */
  | { readonly kind: 'gate-changed' }
  /** A round was confirmed, and this worker had announced that it waits. */
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'report-blocking' }
  | { readonly kind: 'hold-ended'; readonly isHandedOver: boolean }
  | { readonly kind: 'end-read-only' }
  | { readonly kind: 'close' };

/** Worker to main thread. */
export type FromWorker =
  | { readonly kind: 'listening' }
  | { readonly kind: 'listen-failed'; readonly port: number; readonly reason: string }
  | { readonly kind: 'round-wanted' }
  /** While statements are held: none runs here, and no transaction is open. */
  | { readonly kind: 'quiet' }
  | { readonly kind: 'blocking'; readonly sessions: readonly BlockingSession[] }
  /** Connections of read-only sessions that have ended but still run something on the local server. */
  | { readonly kind: 'lingering'; readonly connectionIds: readonly number[] }
  /** No connection of a read-only session is left on the local server. */
  | { readonly kind: 'read-only-ended' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'log'; readonly event: string; readonly fields: LogFields };
