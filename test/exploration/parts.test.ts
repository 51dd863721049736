import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RoleMachine } from '../../mysql-bridge/role/role-machine.ts';
import type { RoleEffect, RoleInput } from '../../mysql-bridge/role/role-types.ts';
import { boundOf } from './bounds.ts';
import { loadCore } from './core-loader.ts';
import {
  createRoleAutomaton,
  endingTaskId,
  type RoleAutomaton,
  roleFieldsOf,
  roleMachineFile,
  runningTaskId,
} from './cores.ts';
import { settledCluster } from './roots.ts';
import { StateTable } from './state-table.ts';
import { World, type WorldState } from './world.ts';

// What the exploration rests on: that a state is captured whole, that equal states are told from others, that names do not matter.

type Fact =
  | { readonly kind: 'input'; readonly input: RoleInput }
  | { readonly kind: 'ended'; readonly slot: 'running' | 'ending'; readonly isDone: boolean }
  | { readonly kind: 'pause' };

const inputs: readonly RoleInput[] = [
  { kind: 'server-exited', reason: 'it ended' },
  { kind: 'server-unsafe', reason: 'unsafe' },
  { kind: 'errant-found', reason: 'errant', gtids: '', canRebuild: true },
  { kind: 'transfer-requested', target: null, deadlineMs: 1 },
];

const factArbitrary: fc.Arbitrary<Fact> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('ended' as const),
      slot: fc.constantFrom('running' as const, 'ending' as const),
      isDone: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .record(
        {
          isLeader: fc.boolean(),
          term: fc.integer({ min: 1, max: 3 }),
          isLeaderReady: fc.boolean(),
          isTailDecided: fc.boolean(),
        },
        { noNullPrototype: true },
      )
      .map((view) => ({ kind: 'input' as const, input: { kind: 'leadership' as const, view } })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...inputs).map((input) => ({ kind: 'input' as const, input })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'pause' as const }) },
);

/** Effects without ids and words. */
function nameOf(effect: RoleEffect): string {
  if (effect.kind === 'run-task') return `run ${effect.task.kind}`;
  if (effect.kind === 'state-changed') return `enter ${effect.state.kind}`;
  return effect.kind;
}

/** The role machine as the product uses it, one instance with the ids it gives out, and beside it the automaton. */
class MachinePair {
  readonly #automaton: RoleAutomaton;
  readonly #machine = new RoleMachine();
  readonly #tasks: Record<'running' | 'ending', number | null> = { running: null, ending: null };
  #id: number;

  constructor(automaton: RoleAutomaton) {
    this.#automaton = automaton;
    this.#id = automaton.initial();
  }

  take(fact: Fact): void {
    if (fact.kind === 'input') this.#give(fact.input, fact.input);
    else if (fact.kind === 'ended') this.#end(fact);
    else this.#pause();
  }

  #give(real: RoleInput, mapped: RoleInput): void {
    expect(this.#giveAutomaton(mapped)).toEqual(this.#giveReal(real));
    expect(this.#kind).toBe(this.#machine.state.kind);
  }

  get #kind(): string {
    return roleFieldsOf(this.#automaton, this.#id).state.kind;
  }

  #end({ slot, isDone }: Extract<Fact, { kind: 'ended' }>): void {
    const taskId = this.#tasks[slot];
    if (taskId === null) return;
    this.#tasks[slot] = null;
    const end = (id: number): RoleInput =>
      isDone
        ? { kind: 'task-done', taskId: id }
        : { kind: 'task-failed', taskId: id, code: 'TEST', reason: 'it failed' };
    this.#give(end(taskId), end(slot === 'running' ? runningTaskId : endingTaskId));
  }

  /** Only the length of a back-off differs. */
  #pause(): void {
    if (this.#kind !== 'backing-off') return;
    const tick = { kind: 'tick' } as const;
    const real: string[] = [];
    const mapped: string[] = [];
    while (this.#machine.state.kind === 'backing-off') real.push(...this.#giveReal(tick));
    while (this.#kind === 'backing-off') mapped.push(...this.#giveAutomaton(tick));
    expect(mapped).toEqual(real);
  }

  #giveAutomaton(input: RoleInput): readonly string[] {
    const { next, effects } = this.#automaton.step(this.#id, input);
    this.#id = next;
    return effects.map(nameOf);
  }

  #giveReal(input: RoleInput): readonly string[] {
    const effects = this.#machine.step(input);
    for (const effect of effects) {
      if (effect.kind === 'run-task') this.#tasks.running = effect.taskId;
      if (effect.kind !== 'cancel-task') continue;
      this.#tasks.ending = effect.taskId;
      this.#tasks.running = null;
    }
    return effects.map(nameOf);
  }
}

test('the role machine as an automaton gives the orders that the role machine gives', () => {
  const automaton = createRoleAutomaton();
  const check = (facts: readonly Fact[]): void => {
    const pair = new MachinePair(automaton);
    for (const fact of facts) pair.take(fact);
  };

  fc.assert(fc.property(fc.array(factArbitrary, { maxLength: 60 }), check), { numRuns: 300 });
  expect(automaton.size).toBeGreaterThan(100);
});

test('a private field of the role machine that is added tomorrow is part of the state', () => {
  const core = loadCore({
    file: roleMachineFile,
    className: 'RoleMachine',
    edits: [{ find: '  #failures = 0;', replace: '  #failures = 0;\n  #added: number = 7;' }],
  });

  expect(core.capture(core.create(undefined))).toMatchObject({
    added: 7,
    state: { kind: 'undecided' },
  });
});

test('a planted bug whose place is gone from the source is refused, not passed over', () => {
  const load = (): unknown => createRoleAutomaton([{ find: 'this text is nowhere', replace: '' }]);

  expect(load).toThrow(/has 0 places that read "this text is nowhere"/);
});

test('a step from a state and from the same state under other names lead to the same states', () => {
  const { world: options } = boundOf('names', {
    transactions: 2,
    termMax: 3,
    faults: { crash: 2, alarm: 1, meddle: 1 },
  });
  const world = new World(options);
  const root = settledCluster(world);
  const nextOf = (state: WorldState): readonly string[] =>
    world
      .steps(state)
      .map(({ next }) => world.canonical(next).join())
      .sort();

  const walk = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 40 });
  const check = (choices: readonly number[]): void => {
    let state = root;
    for (const choice of choices) {
      const steps = world.steps(state);
      state = steps[choice % steps.length]?.next ?? state;
    }
    expect(nextOf(world.canonical(state))).toEqual(nextOf(state));
  };

  fc.assert(fc.property(walk, check), { numRuns: 100 });
});

test('a table knows exactly the states that were added, and their parents', () => {
  const tuples = fc.array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat()), {
    maxLength: 3000,
  });
  const check = (added: readonly (readonly number[])[]): void => {
    const table = new StateTable({ width: 3, statesMax: 10_000 });
    const known = new Map<string, number>();
    added.forEach((tuple, parent) => {
      const key = tuple.join();
      if (!known.has(key)) known.set(key, parent);
      expect(table.add(tuple, parent)).toBe([...known.keys()].indexOf(key));
    });
    expect(table.size).toBe(known.size);
    [...known].forEach(([key, parent], id) => {
      expect([table.at(id).join(), table.parentOf(id)]).toEqual([key, parent]);
    });
  };

  fc.assert(fc.property(tuples, check), { numRuns: 20 });
});
