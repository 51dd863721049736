import { OperationalError } from '../base/errors.ts';

/** Codes of what can go wrong with a benchmark; each has a row in bench/README.md. */
export const benchErrorCodes = [
  'BENCH_OPTION',
  'BENCH_TOOL_MISSING',
  'BENCH_DISK',
  'BENCH_START_FAILED',
  'BENCH_MISCONFIGURED',
  'BENCH_LOAD_FAILED',
  'BENCH_WRITES_LOST',
  'BENCH_TIMEOUT',
] as const;
export type BenchErrorCode = (typeof benchErrorCodes)[number];

/** A benchmark, or one turn of a contender, cannot go on. */
export class BenchError extends OperationalError {
  override readonly name = 'BenchError';

  constructor(code: BenchErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(code, message, options);
  }
}
