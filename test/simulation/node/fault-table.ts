/** What is done for each fault, by the name that a plan lists. */
export type FaultTable<Context> = Readonly<Record<string, (context: Context) => void>>;

/** Carries out a fault of this table; false for one of another. */
export function strikeOf<Context>(
  table: FaultTable<Context>,
  kind: string,
  context: Context,
): boolean {
  const strike = Object.hasOwn(table, kind) ? table[kind] : undefined;
  strike?.(context);
  return strike !== undefined;
}
