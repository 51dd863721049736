import { expect, test } from 'vitest';
import type { FaultEvent } from '../site.ts';
import { faultsOf } from './faults.ts';
import type { EndedOperation } from './operation-times.ts';
import { type VacuityInput, vacuityChecks } from './vacuity.ts';

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

const partition = (change: Partial<FaultEvent> = {}): readonly FaultEvent[] => [
  event({ atMs: 41_000, ...change }),
  event({ atMs: 61_000, ...change, phase: 'end' }),
];

/** Every 100 ms one that ended well, but for the times given. */
function steady(silences: readonly (readonly [number, number])[] = []): EndedOperation[] {
  return Array.from({ length: 1200 }, (_, index): EndedOperation => {
    const endMs = index * 100;
    const isSilent = silences.some(([from, to]) => endMs >= from && endMs < to);
    return { endMs, latencyMs: 2, outcome: isSilent ? 'info' : 'ok', isWrite: true };
  });
}

function violations(change: Partial<VacuityInput> = {}): string[] {
  return vacuityChecks({
    operations: steady(),
    faults: faultsOf(partition(), 1_000),
    stoppedMs: 120_000,
    scheduled: 1,
    minima: { calmPerSecond: 5, faultyPerSecond: 1, okShare: 0.5 },
    ...change,
  }).flatMap((check) => [...check.violations]);
}

test('a run with operations before, during and after a fault that was seen is not vacuous', () => {
  expect(violations()).toEqual([]);
  expect(violations({ operations: steady([[40_000, 44_000]]) })).toEqual([]);
});

test('no service while a majority is whole is named with its fault', () => {
  const silent = steady([[40_000, 60_000]]);
  expect(violations({ operations: silent })).toEqual([
    '0.0 ops/s during partition leader-in-minority at 40.0 s, 1.0 ops/s are needed',
  ]);
  expect(
    violations({
      operations: silent,
      faults: faultsOf(partition({ isMajorityWhole: false }), 1_000),
    }),
  ).toEqual([]);
});

test('no service after a fault is named, and so is none in calm', () => {
  expect(violations({ operations: steady([[60_000, 76_000]]) })).toEqual([
    '0.0 ops/s after partition leader-in-minority at 40.0 s, 1.0 ops/s are needed',
  ]);
  expect(violations({ operations: steady([[80_000, 119_000]]) })).toEqual([
    expect.stringMatching(/ops\/s after the last fault, 5\.0 ops\/s are needed$/),
  ]);
});

test('a fault that was not seen, not seen to end, or never came is named', () => {
  expect(violations({ faults: faultsOf(partition({ confirmed: false }), 1_000) })).toEqual([
    'partition leader-in-minority at 40.0 s: begin not confirmed: n1',
    'partition leader-in-minority at 40.0 s: end not confirmed: n1',
  ]);
  expect(violations({ faults: faultsOf(partition().slice(0, 1), 1_000) })).toContain(
    'partition leader-in-minority at 40.0 s was not seen to end',
  );
  expect(violations({ scheduled: 3 })).toEqual(['1 faults happened of 3 in the plan']);
});

test('too few operations that ended well are named', () => {
  const silent = steady([
    [0, 30_000],
    [50_000, 90_000],
  ]);
  expect(violations({ operations: silent })).toContain(
    '41.7 % of 1200 operations ended well, 50.0 % are needed',
  );
});

test('a run that was over before a rate could be told is vacuous', () => {
  expect(violations({ faults: [], scheduled: null, stoppedMs: 2_000 })).toEqual([
    'only 2.0 s before the first fault: too short for a rate',
  ]);
});
