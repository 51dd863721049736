import { normalInteger } from '../values.ts';

const shortIntegerDigits = 15;

/** An integer from its digits: a number where that is exact, else a bigint. */
export function integerFrom(digits: string): number | bigint {
  return digits.length <= shortIntegerDigits ? Number(digits) : normalInteger(BigInt(digits));
}

/**
 * A number as EDN writes it: integers with N, decimals with M, ratios, infinities. Undefined for what is none. Ratios and decimals become
 * the nearest double, which equals itself and is all that equality needs.
 */
export function ednNumber(word: string): number | bigint | undefined {
  if (/^[+-]?(?:0|[1-9]\d*)N?$/.test(word)) {
    return integerFrom(word.replace(/^\+/, '').replace(/N$/, ''));
  }
  if (/^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?$/.test(word) && !/^[+-]?0\d/.test(word)) {
    return Number(word.replace(/M$/, ''));
  }
  const ratio = /^([+-]?\d+)\/(\d+)$/.exec(word);
  if (ratio === null || /^0+$/.test(ratio[2] ?? '')) return undefined;
  return Number(ratio[1]) / Number(ratio[2]);
}
