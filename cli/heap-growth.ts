import { setFlagsFromString } from 'node:v8';

/**
 * How much the heap may grow over what was alive after the last full collection before the next one, in percent. V8 lets it
 * grow up to fourfold where memory abounds, so a node under load would hold 200 MiB of garbage and shrink only now
 * and then. Half as much again keeps its memory flat; the more frequent collections are concurrent and cost little.
 */
const heapGrowingPercent = 50;

/** For every heap of this process, worker threads included. To be called before much is alive. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
}
