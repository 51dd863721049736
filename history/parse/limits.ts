/** Maxima of what is read; a file past one of them is refused with the line where it passed it. */
export interface ParseLimits {
  /** Collections within collections. */
  readonly depthMax: number;
  readonly stringCharactersMax: number;
  /** Elements of one event, all its collections together. */
  readonly elementsPerEventMax: number;
  readonly eventsMax: number;
  /** What all operations together take in memory, estimated from above. */
  readonly heldBytesMax: number;
}

export const parseLimits: ParseLimits = {
  depthMax: 64,
  stringCharactersMax: 1 << 20,
  elementsPerEventMax: 4_000_000,
  eventsMax: 10_000_000,
  heldBytesMax: 1 << 30,
};
