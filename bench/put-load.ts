import type { Clock } from '../base/clock.ts';
import type { Distribution } from './core/distribution.ts';
import { encodePut } from './core/etcd-wire.ts';
import { LatencyRecorder } from './core/latency-recorder.ts';
import { PutClient } from './put-client.ts';

export interface PutLoad {
  readonly port: number;
  /** Each puts, waits for the acknowledgement, and puts again. */
  readonly clients: number;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly signal: AbortSignal;
}

export interface PutReport {
  readonly puts: number;
  readonly putsPerSecond: number;
  readonly latenciesMs: Distribution;
}

/** TCP connections of a load: fewer than clients, as an application shares them, and the same for every contender. */
const connectionsMax = 8;
/** Written over and over: a store that keeps values by key does not grow without end. */
const keys = 10_000;
const keyBytes = 16;

/** Puts for so long, as many at once as there are clients. Rejects with BENCH_LOAD_FAILED at the first put that is not acknowledged. */
export async function runPutLoad(clock: Clock, load: PutLoad): Promise<PutReport> {
  using client = new PutClient(load.port, Math.min(load.clients, connectionsMax));
  const recorder = new LatencyRecorder();
  const value = valueOfLength(load.valueBytes);
  const text = new TextEncoder();
  const beganMs = clock.monotonicMs();
  const untilMs = beganMs + load.seconds * 1000;
  let next = 0;
  const loop = async (number: number): Promise<void> => {
    for (;;) {
      const startedMs = clock.monotonicMs();
      if (startedMs >= untilMs) return;
      load.signal.throwIfAborted();
      next += 1;
      const key = text.encode(String(next % keys).padStart(keyBytes, 'k'));
      await client.put(encodePut(key, value), number);
      recorder.add(clock.monotonicMs() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, number) => loop(number)));
  // Every client ends with a whole put: the time to its end belongs to it.
  const seconds = (clock.monotonicMs() - beganMs) / 1000;
  return {
    puts: recorder.count,
    putsPerSecond: recorder.count / seconds,
    latenciesMs: recorder.distribution,
  };
}

/** The same bytes for everybody, and not all alike: a log may compress. */
function valueOfLength(bytes: number): Uint8Array {
  const value = new Uint8Array(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at += 1) {
    // Numerical Recipes' generator: cheap, and without a pattern that a compressor would find.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    value[at] = state >>> 24;
  }
  return value;
}
