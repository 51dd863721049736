import type { HistoryValue } from './history.ts';

/** Something that equal values share and different ones do not, fit to be a key of a `Map`. */
export type ValueKey = null | boolean | number | bigint | string;

/** Primitives stand for themselves, for speed; strings are marked, so that none looks like an array or a map. */
export function valueKey(value: HistoryValue): ValueKey {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return normalInteger(value);
  return typeof value === 'string' ? `"${value}` : compoundKey(value);
}

/** Numbers are equal by value, whatever they were written as; maps whatever the order of their entries. */
export function valuesEqual(one: HistoryValue, other: HistoryValue): boolean {
  return Object.is(one, other) || valueKey(one) === valueKey(other);
}

/** An integer as a number where that is exact. */
export function normalInteger(value: bigint): number | bigint {
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}

export function isArray(value: HistoryValue): value is readonly HistoryValue[] {
  return Array.isArray(value);
}

/** A value for a person, nearly as EDN: words without quotes, because keywords have lost their colon. */
export function formatValue(value: HistoryValue, charactersMax: number = 200): string {
  const text = write(value, charactersMax);
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax - 1)}…`;
}

function compoundKey(value: HistoryValue): string {
  if (isArray(value)) return `[${value.map(compoundKey).join(' ')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, held]) => `${compoundKey(key)} ${compoundKey(held)}`);
    return `{${entries.sort().join(' ')}}`;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'bigint' ? String(normalInteger(value)) : String(value);
}

function write(value: HistoryValue, budget: number): string {
  if (value === null) return 'nil';
  if (isArray(value)) return `[${writeAll(value, budget, (item, left) => write(item, left))}]`;
  if (value instanceof Map) {
    return `{${writeAll([...value], budget, ([key, held], left) => `${write(key, left)} ${write(held, left)}`)}}`;
  }
  if (typeof value === 'string') {
    return /^[A-Za-z][\w.*+!?/-]*$/.test(value) ? value : JSON.stringify(value);
  }
  return String(value);
}

/** Stops where the budget ends: a read of a million elements is not written out to be cut. */
function writeAll<Item>(
  items: readonly Item[],
  budget: number,
  writeItem: (item: Item, budget: number) => string,
): string {
  const parts: string[] = [];
  let left = budget;
  for (const item of items) {
    if (left <= 0) {
      parts.push('…');
      break;
    }
    const part = writeItem(item, left);
    left -= part.length + 1;
    parts.push(part);
  }
  return parts.join(' ');
}
