/**
 * How often each value was seen, ascending by value, no value twice. A load generator that prints a histogram gives a value per
 * bucket (sysbench: 1.8 % apart); single values have the count 1.
 */
export type Distribution = readonly (readonly [value: number, count: number])[];

/** Of single values, in any order. */
export function distributionOf(values: readonly number[]): Distribution {
  return pooled([values.map((value) => [value, 1] as const)]);
}

/** All values of several distributions together. */
export function pooled(parts: readonly Distribution[]): Distribution {
  const counts = new Map<number, number>();
  for (const [value, count] of parts.flat()) counts.set(value, (counts.get(value) ?? 0) + count);
  return [...counts].sort(([left], [right]) => left - right);
}

export function countOf(distribution: Distribution): number {
  return distribution.reduce((sum, [, count]) => sum + count, 0);
}

/** A point per value: which share of all values does not exceed it. For a chart of at most `pointsMax` points. */
export function cumulative(
  distribution: Distribution,
  pointsMax: number,
): readonly { readonly value: number; readonly share: number }[] {
  const total = countOf(distribution);
  const stepMin = 1 / pointsMax;
  const points: { readonly value: number; readonly share: number }[] = [];
  let seen = 0;
  let shown = Number.NEGATIVE_INFINITY;
  for (const [index, [value, count]] of distribution.entries()) {
    seen += count;
    const share = seen / total;
    // The first and the last are always there: they are the range.
    const isEnd = index === 0 || index === distribution.length - 1;
    if (!isEnd && share - shown < stepMin) continue;
    points.push({ value, share });
    shown = share;
  }
  return points;
}
