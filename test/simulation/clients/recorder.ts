import type { History, HistoryValue, Operation, Outcome } from '../../../history/history.ts';

/** An operation that was called and has not ended. */
export interface OpenOperation {
  ok(output: HistoryValue): void;
  fail(): void;
  info(): void;
}

interface Recorded extends Operation {
  output: HistoryValue;
  outcome: Outcome;
  endAt: number;
  endNanos: number | null;
}

/** Writes down what clients did and saw, in the order in which it happened. One per workload. */
export class Recorder {
  readonly #nowUs: () => number;
  readonly #operations: Recorded[] = [];
  #place = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  get history(): History {
    return { operations: this.#operations, nemesis: [] };
  }

  /** How many ended so. */
  count(outcome: Outcome): number {
    return this.#operations.filter((operation) => operation.outcome === outcome).length;
  }

  call(process: number, f: string, input: HistoryValue): OpenOperation {
    const operation: Recorded = {
      index: this.#operations.length,
      process,
      f,
      input,
      output: null,
      outcome: 'info',
      callAt: this.#next(),
      endAt: Infinity,
      callNanos: this.#nowUs() * 1000,
      endNanos: null,
      callLine: this.#place,
      endLine: null,
    };
    this.#operations.push(operation);
    const end = (outcome: Outcome, output: HistoryValue): void => {
      operation.outcome = outcome;
      operation.output = output;
      // What nobody knows may still happen: it has no end.
      const at = this.#next();
      if (outcome !== 'info') operation.endAt = at;
      operation.endNanos = this.#nowUs() * 1000;
    };
    return {
      ok: (output) => end('ok', output),
      fail: () => end('fail', null),
      info: () => end('info', null),
    };
  }

  #next(): number {
    this.#place += 1;
    return this.#place;
  }
}
