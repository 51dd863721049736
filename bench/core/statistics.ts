/** A middle value and how far the single ones lie from it. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value; the mean of the two middle ones of an even number. Null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** Null of nothing. */
export function spreadOf(values: readonly number[]): Spread | null {
  const middle = median(values);
  if (middle === null) return null;
  return { median: middle, min: Math.min(...values), max: Math.max(...values) };
}

/** One value of one contender in one round. */
export interface RoundValue {
  readonly round: number;
  readonly value: number;
}

/**
 * One value per round in which both were measured: what changes slowly on the machine, its clock rate or its neighbours, is
 * the same for the two sides of a pair, and drops out of their ratio.
 */
export function pairByRound(
  ours: readonly RoundValue[],
  theirs: readonly RoundValue[],
  combine: (our: number, their: number) => number,
): readonly number[] {
  const others = new Map(theirs.map(({ round, value }) => [round, value]));
  return ours.flatMap(({ round, value }) => {
    const other = others.get(round);
    return other === undefined ? [] : [combine(value, other)];
  });
}
