import { assert } from '../../../base/assert.ts';

const runTicks: unknown = Reflect.get(process, '_tickCallback');

/**
 * Runs every promise callback and every `process.nextTick` there is, however many follow from each other: what Node does between two
 * turns of its event loop, by the function that it does it with (`process._tickCallback`, not to be used in programs, DEP0134).
 * Means nothing in a promise callback: those do not nest.
 */
export function drainPromises(): void {
  assert(typeof runTicks === 'function', 'this Node cannot be told to run its promise callbacks');
  runTicks.call(process);
}
