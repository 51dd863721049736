import { expect, test } from 'vitest';
import { catalogue } from './nemesis/catalogue.ts';
import { type PlannedFault, planFaults } from './plan.ts';

const hourMs = 3_600_000;

function mixed(seed: number, durationMs: number = hourMs): readonly PlannedFault[] {
  return planFaults({ seed, durationMs, nemeses: catalogue });
}

function familyOf(name: string): string | undefined {
  return catalogue.find((entry) => entry.name === name)?.family;
}

test('the same seed gives the same plan, another seed another', () => {
  expect(mixed(1)).toEqual(mixed(1));
  expect(mixed(2)).not.toEqual(mixed(1));
});

test('without nemeses nothing is planned', () => {
  expect(planFaults({ seed: 1, durationMs: hourMs, nemeses: [] })).toEqual([]);
});

test('an hour of mixed faults has every variant of every nemesis', () => {
  const planned = mixed(3, 2 * hourMs);

  for (const { name, variants } of catalogue) {
    const seen = new Set(planned.filter(({ nemesis }) => nemesis === name).map((f) => f.variant));
    expect([...seen].sort(), name).toEqual([...variants].sort());
  }
});

test('faults begin after a calm start and are over before the end', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const planned = mixed(seed, 180_000);

    expect(planned.length).toBeGreaterThan(4);
    for (const { beginMs, endMs } of planned) {
      expect(beginMs).toBeGreaterThanOrEqual(8_000);
      expect(endMs).toBeGreaterThan(beginMs);
      expect(endMs).toBeLessThanOrEqual(168_000);
    }
  }
});

test('faults that overlap are two, say so, and are of different families', () => {
  const planned = mixed(5, 4 * hourMs);
  let overlaps = 0;

  for (const one of planned) {
    const others = planned.filter(
      (other) => other !== one && other.beginMs < one.endMs && other.endMs > one.beginMs,
    );
    expect(others.length).toBeLessThanOrEqual(1);
    expect(one.overlaps).toBe(others.length === 1);
    for (const other of others) expect(familyOf(other.nemesis)).not.toBe(familyOf(one.nemesis));
    overlaps += others.length;
  }
  expect(overlaps).toBeGreaterThan(10);
});

test('one nemesis alone goes through all its variants before one comes again', () => {
  const partition = catalogue.filter(({ name }) => name === 'partition');
  const planned = planFaults({ seed: 9, durationMs: hourMs, nemeses: partition });
  const [entry] = partition;
  const first = planned.slice(0, entry?.variants.length).map(({ variant }) => variant);

  expect(new Set(first).size).toBe(entry?.variants.length);
  expect(planned.every(({ overlaps }) => !overlaps)).toBe(true);
});
