/**
 * About what a check holds per transaction and per step of one, above the history itself: rows of numbers, the index of appended
 * elements, edges, and the marks of the search for components. Measured, and rounded up.
 */
export const bytesPerOperation: number = 200;
export const bytesPerStep: number = 300;

/** Edges that the search for each kind of cycle may look at: well under a second. In a sound history there is nothing to search. */
export const cycleStepsMax: number = 20_000_000;
