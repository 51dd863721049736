/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank): always a value that is listed. `counts` says how
 * often each was seen, ascending by value. Null of nothing.
 */
export function nearestRank(
  counts: readonly (readonly [value: number, count: number])[],
  share: number,
): number | null {
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  for (const [value, count] of counts) {
    seen += count;
    if (seen >= rank) return value;
  }
  return null;
}
