import { expect, test } from 'vitest';
import type { FaultEvent } from '../site.ts';
import { faultsOf } from './faults.ts';
import type { Minima } from './minima.ts';
import type { EndedOperation } from './operation-times.ts';
import { type VacuityInput, vacuityChecks } from './vacuity.ts';

// Each run here is vacuous in one way, and is refused for that one alone (HAZARDS C11).

const event = (change: Partial<FaultEvent>): FaultEvent => ({
  atMs: 0,
  fault: 0,
  nemesis: 'partition',
  variant: 'leader-in-minority',
  phase: 'begin',
  detail: 'n1',
  confirmed: true,
  isMajorityWhole: true,
  ...change,
});

/** From 40 to 60 seconds after the origin, which is at 1 second. */
const partition = (change: Partial<FaultEvent> = {}): readonly FaultEvent[] => [
  event({ atMs: 41_000, ...change }),
  event({ atMs: 61_000, ...change, phase: 'end' }),
];
const originMs = 1_000;

const minima: Minima = {
  calm: { okPerSecond: 5, writesPerSecond: 2 },
  service: { okPerSecond: 2, writesPerSecond: 1 },
  okShare: 0.6,
  faultShare: 0.5,
  workloadShare: 0.5,
};

type Stretch = readonly [fromMs: number, toMs: number];

/** For two minutes one operation every 100 ms that ended well, every third of them a read; but for what is said. */
function steady(
  change: { readonly silent?: readonly Stretch[]; readonly readOnly?: readonly Stretch[] } = {},
): readonly EndedOperation[] {
  const isIn = (stretches: readonly Stretch[] = [], atMs: number): boolean =>
    stretches.some(([fromMs, toMs]) => atMs >= fromMs && atMs < toMs);
  return Array.from({ length: 1200 }, (_, index): EndedOperation => {
    const endMs = index * 100;
    const isRead = index % 3 === 0;
    const isSilent = isIn(change.silent, endMs) || (!isRead && isIn(change.readOnly, endMs));
    const outcome = isSilent ? 'info' : 'ok';
    return { endMs, latencyMs: 2, outcome, isWrite: !isRead, workload: 'set' };
  });
}

function violations(change: Partial<VacuityInput> = {}): readonly string[] {
  return vacuityChecks({
    operations: steady(),
    faults: faultsOf(partition(), originMs),
    stoppedMs: 120_000,
    schedule: { planned: 1, leftOut: 0 },
    workloadRates: new Map([['set', 10]]),
    minima,
    ...change,
  }).flatMap((check) => check.violations);
}

test('a run with operations before, during and after a fault that was seen is not vacuous', () => {
  expect(violations()).toEqual([]);
  const failover = steady({ silent: [[40_000, 44_000]] });
  expect(violations({ operations: failover })).toEqual([]);
});

test('a run that was asked for no fault is judged without one', () => {
  expect(violations({ faults: [], schedule: null })).toEqual([]);
});

test('no service before a fault is refused', () => {
  const silent = steady({ silent: [[20_000, 40_000]] });
  expect(violations({ operations: silent })).toEqual([
    expect.stringMatching(
      /^no service before partition leader-in-minority at 40\.0 s: 0\.0 ops\/s/,
    ),
  ]);
});

test('no service during a fault that leaves a majority whole is refused, and is expected of one that does not', () => {
  const operations = steady({ silent: [[40_000, 60_000]] });
  expect(violations({ operations })).toEqual([
    expect.stringMatching(/^no service during partition leader-in-minority at 40\.0 s: 0\.0 ops/),
  ]);
  const halved = faultsOf(partition({ isMajorityWhole: false }), originMs);
  expect(violations({ operations, faults: halved })).toEqual([]);
});

test('a failover may take its time, and no more than that', () => {
  const slow = steady({ silent: [[60_000, 90_000]] });
  expect(violations({ operations: slow })).toEqual([]);
  const never = steady({ silent: [[60_000, 120_000]] });
  expect(violations({ operations: never })).toContainEqual(
    expect.stringMatching(/^no service after partition leader-in-minority at 40\.0 s/),
  );
  const late = faultsOf([event({ atMs: 11_000 }), event({ atMs: 21_000, phase: 'end' })], originMs);
  const tooSlow = steady({ silent: [[20_000, 85_000]] });
  expect(violations({ operations: tooSlow, faults: late })).toContainEqual(
    expect.stringMatching(/^no service after partition leader-in-minority at 10\.0 s/),
  );
});

test('service that comes and goes at once is none', () => {
  const flickering = steady({
    silent: Array.from({ length: 20 }, (_, second) => [
      40_050 + second * 1_000,
      40_950 + second * 1_000,
    ]),
  });
  expect(violations({ operations: flickering })).toContainEqual(
    expect.stringMatching(/^no service during partition leader-in-minority/),
  );
});

test('no service is asked for in a moment between two faults that is too short to show it, and is in a longer one', () => {
  const second = (beginMs: number): readonly FaultEvent[] => [
    event({ fault: 1, atMs: originMs + beginMs, isMajorityWhole: false }),
    event({ fault: 1, atMs: originMs + 75_000, isMajorityWhole: false, phase: 'end' }),
  ];
  const run = (beginMs: number): readonly string[] =>
    violations({
      faults: faultsOf([...partition({ isMajorityWhole: false }), ...second(beginMs)], originMs),
      operations: steady({ silent: [[40_000, 75_000]] }),
      schedule: { planned: 2, leftOut: 0 },
    });
  expect(run(60_200)).toEqual([]);
  expect(run(66_000)).toEqual([
    expect.stringContaining('no service before partition leader-in-minority at 66.0 s'),
    expect.stringContaining('no service after partition leader-in-minority at 40.0 s'),
  ]);
});

test('too little service before the first fault and after the last is refused', () => {
  const before = steady({ silent: [[0, 29_000]] });
  expect(violations({ operations: before })).toEqual([
    '2.8 ops/s (1.8 writes) before the first fault; needed: 5.0 ops/s (2.0 writes)',
  ]);
  const after = steady({ silent: [[80_000, 119_000]] });
  expect(violations({ operations: after })).toEqual([
    '1.3 ops/s (0.9 writes) after the last fault; needed: 5.0 ops/s (2.0 writes)',
  ]);
});

test('reads alone are no service', () => {
  const readOnly = steady({ readOnly: [[40_000, 60_000]] });
  expect(violations({ operations: readOnly })).toEqual([
    expect.stringMatching(
      /^no service during partition leader-in-minority at 40\.0 s: 3\.3 ops\/s \(0\.0 writes\)/,
    ),
  ]);
});

test('a fault that was not seen, not seen to end, or never came is refused', () => {
  expect(violations({ faults: faultsOf(partition({ confirmed: false }), originMs) })).toEqual([
    'partition leader-in-minority at 40.0 s: begin not confirmed: n1',
    'partition leader-in-minority at 40.0 s: end not confirmed: n1',
  ]);
  expect(violations({ faults: faultsOf(partition().slice(0, 1), originMs) })).toContain(
    'partition leader-in-minority at 40.0 s was not seen to end',
  );
  expect(violations({ schedule: { planned: 3, leftOut: 1 } })).toEqual([
    '1 faults happened of 2 for which there was time',
  ]);
});

test('faults that were asked for and never planned are refused', () => {
  expect(violations({ faults: [], schedule: { planned: 0, leftOut: 0 } })).toContain(
    'faults were asked for, and the plan had none',
  );
});

test('faults may be left out when the time is over, but not most of them', () => {
  expect(violations({ schedule: { planned: 2, leftOut: 1 } })).toEqual([]);
  expect(violations({ schedule: { planned: 3, leftOut: 2 } })).toEqual([
    'there was time for 1 of 3 faults in the plan; needed: 50.0 %',
  ]);
});

test('too few operations that ended well are refused', () => {
  const operations = steady().map((one, index): EndedOperation => {
    return index % 2 === 0 ? one : { ...one, outcome: 'fail' };
  });
  const workloadRates = new Map([['set', 5]]);
  expect(violations({ operations, workloadRates })).toEqual([
    '50.0 % of 1200 operations ended well, 60.0 % are needed',
  ]);
});

test('a workload that stood still is refused, whatever the others did', () => {
  const workloadRates = new Map([
    ['set', 10],
    ['bank', 10],
  ]);
  expect(violations({ workloadRates })).toEqual([
    '0 operations of bank ended well, 0.0 % of what was asked for; 50.0 % of the rate each was asked for is needed',
  ]);
});

test('a run that was over before a rate could be told is refused', () => {
  const operations = steady().filter(({ endMs }) => endMs < 2_000);
  const short = { operations, stoppedMs: 2_000, faults: [], schedule: null };
  expect(violations(short)).toEqual(['only 2.0 s without a fault: too short for a rate']);
});
