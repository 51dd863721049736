import { setFlagsFromString } from 'node:v8';

/**
 * How much the heap may grow over what was alive after the last full collection before the next one, in percent. V8 lets it
 * grow up to fourfold where memory abounds: a heap with 45 MiB alive peaked at 195 MiB under a steady load, and at 109 MiB so.
 * The more frequent collections are concurrent; the load took no longer.
 */
const heapGrowingPercent = 50;

/** For every heap of this process, worker threads included. To be called before much is alive. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
}

/**
 * For the command line of a node: V8 reads it before it makes a heap. The young generation of each thread may have halves of so many
 * MiB, not of 16 or more. Under load a node's private memory is 153 to 185 MiB so, and 193 to 290 without. What it costs
 * in processor time could not be told from the spread of the measurements (bench/README.md).
 */
export const youngGenerationFlags: readonly string[] = ['--max-semi-space-size=8'];
