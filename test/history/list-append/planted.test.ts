import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import type { Operation } from '../../../history/history.ts';
import { consistencyLevels } from '../../../history/list-append/consistency.ts';
import { runStore } from './store.ts';
import { concurrent, inTurn, namesOf } from './support.ts';

/** The smallest histories with each anomaly; what they are at each level alone, `anomalies.test.ts` says. */
const planted: Readonly<Record<string, () => Operation[]>> = {
  'garbage-read': () => concurrent('ax1', 'rx1,7'),
  'duplicate-elements': () => concurrent('ax1', 'ax2', 'rx1,2,1'),
  'incompatible-order': () => concurrent('ax1', 'ax2', 'ax3', 'rx1,3', 'rx1,2,3'),
  internal: () => concurrent('rx ax1 rx'),
  'future-read': () => concurrent('rx1 ax1'),
  G1a: () => concurrent({ steps: 'ax1', outcome: 'fail' }, 'rx1'),
  'dirty-update': () => concurrent({ steps: 'ax1', outcome: 'fail' }, 'ax2', 'rx1,2'),
  G1b: () => concurrent('ax1 ax2', 'rx1'),
  G0: () => concurrent('ax1 ay1', 'ax2 ay2', 'rx1,2 ry2,1'),
  G1c: () => concurrent('ax1 ry1', 'ax2 ay1', 'rx1,2'),
  'lost-update': () => concurrent('rx ax1', 'rx ax2', 'rx1,2'),
  'G-single': () => concurrent('ax1 ay1', 'rx1 ry'),
  'G-nonadjacent': () => concurrent('ax1', 'ay1', 'rx1 ry', 'rx ry1'),
  'G2-item': () => concurrent('rx ay1', 'ry ax1'),
  'G0-realtime': () => inTurn('ax2', 'ax1', 'rx1,2'),
  'G1c-realtime': () => inTurn('rx1', 'ax1'),
  'G-single-realtime': () => inTurn('ax1', 'rx', 'rx1'),
};

test.each(Object.keys(planted))(
  '%s planted into a sound history is named at each level that forbids it, and nothing else is',
  (name) => {
    const anomaly = planted[name]?.() ?? [];
    const alone = consistencyLevels.map((level) => namesOf(anomaly, level));
    expect(alone.flat()).toContain(name);
    fc.assert(
      fc.property(fc.integer(), fc.nat(1), (seed, place) => {
        const sound = runStore({
          random: new SeededRandom(seed),
          isolation: 'strict-serializable',
          transactionCount: 60,
          clientCount: 6,
          keyCount: 3,
          appendsPerKey: 20,
          stepsMax: 4,
          failPercent: 10,
          infoPercent: 10,
        });
        const operations = merged(sound, anomaly, place === 0);
        expect(consistencyLevels.map((level) => namesOf(operations, level))).toEqual(alone);
      }),
      { numRuns: 10 },
    );
  },
);

/** Both at a time, the planted transactions spread over the run; or these after the run. */
function merged(
  sound: readonly Operation[],
  anomaly: readonly Operation[],
  isSpread: boolean,
): Operation[] {
  const end = 2 * sound.length;
  const moved = anomaly.map((operation) => ({
    ...operation,
    callAt: isSpread ? operation.callAt * 10 + 0.5 : operation.callAt + end + 1,
    endAt: isSpread ? operation.endAt * 10 + 0.5 : operation.endAt + end + 1,
  }));
  return [...sound, ...moved]
    .sort((one, other) => one.callAt - other.callAt)
    .map((operation, index) => ({ ...operation, index }));
}
