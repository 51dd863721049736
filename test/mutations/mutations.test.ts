import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, test } from 'vitest';
import { adminFaultKinds } from '../simulation/node/admin-faults.ts';
import { faultKinds, sequenceKinds } from '../simulation/node/faults.ts';
import { faultKinds as raftFaults } from '../simulation/raft/raft-faults.ts';
import { scenarioOf } from '../simulation/scenarios.ts';
import { planOf } from './hunt.ts';
import { mutated } from './mutation.ts';
import { mutationOf, mutations } from './mutations.ts';

// Mutations are texts: these tests keep them from rotting while the code goes on.

const root = new URL('../../', import.meta.url);
const wishes = { nodeCount: null, faultyMs: null };
const clusterFaults = [...faultKinds, ...adminFaultKinds, ...sequenceKinds];

test.each(mutations)(
  'each text of $id stands once in its file, and what comes out can be parsed',
  (mutation) => {
    for (const file of new Set(mutation.edits.map((edit) => edit.file))) {
      const source = readFileSync(new URL(file, root), 'utf8');
      const changed = mutated(mutation, file, source) ?? source;
      expect(changed).not.toBe(source);
      expect(() => stripTypeScriptTypes(changed)).not.toThrow();
    }
  },
);

test('a text that stands nowhere, or twice, is refused rather than left out', () => {
  const [mutation] = mutations;
  const file = mutation?.edits[0]?.file ?? '';
  expect(() => mutated(mutationOf(mutation?.id ?? ''), file, 'nothing of it')).toThrow(
    'has 0 places',
  );
  const twice = (mutation?.edits[0]?.find ?? '').repeat(2);
  expect(() => mutated(mutationOf(mutation?.id ?? ''), file, twice)).toThrow('has 2 places');
});

test('no two mutations have one name', () => {
  const ids = mutations.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(() => mutationOf('no-such')).toThrow('no mutation is called "no-such"');
});

test('what a mutation turns on is known to its scenario, and stands in its plans', () => {
  for (const mutation of mutations) {
    const { scenario, emphasis } = mutation;
    const plan = planOf(mutation, 1);
    const usual = scenarioOf(scenario).draw(1, wishes);
    const kinds = scenario === 'raft' ? raftFaults : clusterFaults;
    expect(kinds).toEqual(expect.arrayContaining([...(emphasis?.faults?.kinds ?? [])]));
    expect(Object.keys(plan.knobs).toSorted()).toEqual(Object.keys(usual.knobs).toSorted());
    expect(plan.knobs).toMatchObject(emphasis?.knobs ?? {});
    if (emphasis === undefined) expect(plan).toEqual(usual);
  }
});
