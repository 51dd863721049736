import { isWrite } from './is-write.ts';
import type { JsonValue, OperationLog } from './operation-log.ts';
import { endingOf } from './outcome.ts';
import type { LoadCounts } from './workload.ts';

/** How many operations of a client process ended how, and why those that did not end well did not. */
export class Tally {
  ok = 0;
  writes = 0;
  failed = 0;
  unknown = 0;

  get counts(): LoadCounts {
    const { ok, writes, failed, unknown } = this;
    return { ok, writes, failed, unknown };
  }
}

/** Numbers no two sessions of a run share. */
export interface ProcessNumbers {
  next(): number;
}

export interface RecorderOptions {
  readonly log: OperationLog;
  readonly tally: Tally;
  readonly numbers: ProcessNumbers;
}

export interface Asked {
  readonly stream: string;
  readonly f: string;
  readonly input: JsonValue;
  readonly node: string;
}

export type Recorded =
  | { readonly type: 'ok'; readonly output: JsonValue }
  | { readonly type: 'fail' | 'info'; readonly output: null };

/**
 * One session's operations, one at a time: written down before they are tried and after they ended. Nothing is tried twice. What nobody
 * knows the end of retires the process number, as Jepsen does: an operation that may still happen has no successor.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  #process: number;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#process = options.numbers.next();
  }

  /** A connection of its own begins, where a checker counts on one connection per process. */
  renew(): void {
    this.#process = this.#options.numbers.next();
  }

  async record(asked: Asked, attempt: () => Promise<JsonValue>): Promise<Recorded> {
    const { log, tally } = this.#options;
    const { stream, f, input, node } = asked;
    const event = { process: this.#process, f, stream, node };
    log.write({ ...event, type: 'invoke', value: input });
    try {
      const output = await attempt();
      log.write({ ...event, type: 'ok', value: output });
      tally.ok += 1;
      tally.writes += Number(isWrite({ f, input }));
      return { type: 'ok', output };
    } catch (thrown) {
      const { type, error } = endingOf(thrown);
      log.write({ ...event, type, value: input, error });
      if (type === 'fail') tally.failed += 1;
      else tally.unknown += 1;
      if (type === 'info') this.renew();
      return { type, output: null };
    }
  }
}
