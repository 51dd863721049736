import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BinlogError } from '../../../mysql-bridge/binlog/binlog-error.ts';
import { formatGtid, type Gtid, gtidNumberMax } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { fromHex, toHex } from './hex.ts';

const first = 'aaaaaaaa-0000-0000-0000-000000000001';
const second = 'bbbbaaaa-0000-0000-0000-000000000001';

const gtid: fc.Arbitrary<Gtid> = fc.record({
  serverUuid: fc.constantFrom(first, second),
  tag: fc.constantFrom('', 'alpha', '_x'),
  number: fc.bigInt(1n, 20n),
});
const gtids = fc.array(gtid, { maxLength: 40 });

function oracle(list: readonly Gtid[]): Set<string> {
  return new Set(list.map(formatGtid));
}

/** Every transaction of a small set. */
function members(set: GtidSet): Set<string> {
  return new Set(
    set.sources.flatMap(({ serverUuid, tag, intervals }) =>
      intervals.flatMap((interval) => {
        const names: string[] = [];
        for (let number = interval.first; number <= interval.last; number += 1n) {
          names.push(formatGtid({ serverUuid, tag, number }));
        }
        return names;
      }),
    ),
  );
}

describe('against a plain set', () => {
  test('adding one by one, union, subtraction and intersection agree', () => {
    fc.assert(
      fc.property(gtids, gtids, (ours, theirs) => {
        const left = GtidSet.of(...ours);
        const right = GtidSet.of(...theirs);

        expect(members(left)).toEqual(oracle(ours));
        expect(left.count).toBe(BigInt(oracle(ours).size));
        expect(members(left.union(right))).toEqual(oracle(ours).union(oracle(theirs)));
        expect(members(left.subtract(right))).toEqual(oracle(ours).difference(oracle(theirs)));
        expect(members(left.intersect(right))).toEqual(oracle(ours).intersection(oracle(theirs)));
        expect(members(left)).toEqual(oracle(ours));
      }),
    );
  });

  test('membership, subset and equality agree', () => {
    fc.assert(
      fc.property(gtids, gtids, gtid, (ours, theirs, one) => {
        const left = GtidSet.of(...ours);
        const right = GtidSet.of(...theirs);

        expect(left.has(one)).toBe(oracle(ours).has(formatGtid(one)));
        expect(left.isSubsetOf(right)).toBe(oracle(ours).isSubsetOf(oracle(theirs)));
        expect(left.equals(right)).toBe(
          oracle(ours).symmetricDifference(oracle(theirs)).size === 0,
        );
        expect(left.isEmpty).toBe(ours.length === 0);
      }),
    );
  });

  test('text and bytes round-trip, and do not depend on the order of adding', () => {
    fc.assert(
      fc.property(gtids, (list) => {
        const set = GtidSet.of(...list);
        const reversed = GtidSet.of(...list.toReversed());

        expect(reversed.toString()).toBe(set.toString());
        expect(GtidSet.parse(set.toString()).equals(set)).toBe(true);
        expect(GtidSet.decode(set.encode()).equals(set)).toBe(true);
        expect(reversed.encode()).toEqual(set.encode());
      }),
    );
  });
});

describe('text as MySQL 9.7 prints it', () => {
  test('tags of one server follow its untagged intervals', () => {
    const printed = `${first}:7:alpha:1-2:zed:5`;

    const set = GtidSet.parse(printed);

    expect(set.toString()).toBe(printed);
    expect(set.count).toBe(4n);
    expect(set.has({ serverUuid: first, tag: 'zed', number: 5n })).toBe(true);
    expect(set.has({ serverUuid: first, tag: '', number: 5n })).toBe(false);
  });

  test('servers are parted by a comma and a line feed, in order', () => {
    const set = GtidSet.parse(
      `${second.toUpperCase()}:2, ${first}:5-7:Alpha:3-4:7:9:1:beta:1,${first}:8`,
    );

    expect(set.toString()).toBe(`${first}:5-8:alpha:1:3-4:7:9:beta:1,\n${second}:2`);
  });

  test('nothing is the empty set', () => {
    expect(GtidSet.parse('').isEmpty).toBe(true);
    expect(GtidSet.parse('\n').toString()).toBe('');
  });

  test.each([
    ['no uuid', 'x:1'],
    ['no number', first],
    ['zero', `${first}:0`],
    ['an interval backwards', `${first}:5-4`],
    ['a number past the largest', `${first}:${gtidNumberMax + 1n}`],
    ['a tag without a number', `${first}:1:alpha`],
    ['two tags in a row', `${first}:alpha:beta:1`],
    ['a tag that begins with a digit', `${first}:1x:1`],
    ['a sign', `${first}:-5`],
    ['an empty interval', `${first}:1::2`],
  ])('%s is refused', (_, text) => {
    expect(() => GtidSet.parse(text)).toThrow(BinlogError);
    expect(() => GtidSet.parse(text)).toThrow(
      expect.objectContaining({ code: 'MYSQL_GTID_SET_MALFORMED' }),
    );
  });

  test('the largest number is accepted', () => {
    const text = `${first}:1-${gtidNumberMax}`;

    expect(GtidSet.parse(text).toString()).toBe(text);
    expect(GtidSet.decode(GtidSet.parse(text).encode()).toString()).toBe(text);
  });
});

describe('bytes as MySQL 9.7 writes them', () => {
  // PREVIOUS_GTIDS of a MySQL 9.7.4 binlog after transactions with and without tags.
  const tagged = fromHex(
    [
      '0104000000000001',
      'aaaaaaaa000000000000000000000001',
      '00',
      '010000000000000007000000000000000800000000000000',
      'aaaaaaaa000000000000000000000001',
      '0a616c706861',
      '010000000000000001000000000000000300000000000000',
      'aaaaaaaa000000000000000000000001',
      '166c6f6e6765727461675f78',
      '010000000000000009000000000000000a00000000000000',
      'aaaaaaaa000000000000000000000001',
      '067a6564',
      '010000000000000005000000000000000600000000000000',
    ].join(''),
  );

  test('a tagged set decodes and encodes to the same bytes', () => {
    const set = GtidSet.decode(tagged);

    expect(set.toString()).toBe(`${first}:7:alpha:1-2:longertag_x:9:zed:5`);
    expect(set.encode()).toEqual(tagged);
  });

  test('without a tag the old format is written, which every server reads', () => {
    const encoded = GtidSet.parse(`${first}:1-5:7`).encode();

    expect(toHex(encoded)).toBe(
      `0100000000000000${first.replaceAll('-', '')}0200000000000000${[1, 6, 7, 8]
        .map((number) => `0${number}00000000000000`)
        .join('')}`,
    );
    expect(toHex(new GtidSet().encode())).toBe('0000000000000000');
  });

  test('every cut is refused', () => {
    for (let length = 0; length < tagged.length; length += 1) {
      expect(() => GtidSet.decode(tagged.subarray(0, length))).toThrow(BinlogError);
    }
  });

  test('any bytes give a set or a refusal, and what decodes encodes to an equal set', () => {
    const flipped = fc
      .tuple(fc.nat(tagged.length - 1), fc.nat(255))
      .map(([index, byte]) => tagged.with(index, byte));
    fc.assert(
      fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const set = decodeOrNull(bytes);
        if (set !== null) expect(GtidSet.decode(set.encode()).equals(set)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

test('a clone is a set of its own', () => {
  const set = GtidSet.parse(`${first}:1-5`);

  const clone = set.clone();
  clone.add({ serverUuid: first, tag: '', number: 6n });

  expect(set.toString()).toBe(`${first}:1-5`);
  expect(clone.toString()).toBe(`${first}:1-6`);
});

test('a hundred thousand transactions in order are one interval', () => {
  const set = new GtidSet();

  for (let number = 1n; number <= 100_000n; number += 1n) {
    set.add({ serverUuid: first, tag: '', number });
  }

  expect(set.toString()).toBe(`${first}:1-100000`);
});

function decodeOrNull(bytes: Uint8Array): GtidSet | null {
  try {
    return GtidSet.decode(bytes);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(BinlogError);
    return null;
  }
}
