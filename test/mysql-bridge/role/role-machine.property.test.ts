import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writableTerm } from '../../../mysql-bridge/role/role-machine.ts';
import type { RoleEffect } from '../../../mysql-bridge/role/role-types.ts';
import { RoleHarness, words } from './role-harness.ts';

// Whatever happens in whatever order, the safety rules of the role hold. Goal: no sequence of facts opens the gate, starts
// or promotes a server when it must not. Method: random facts against a machine whose tasks end or fail at random.

type Move =
  | {
      readonly kind: 'leadership';
      readonly isLeader: boolean;
      readonly advance: boolean;
      readonly isReady: boolean;
    }
  | { readonly kind: 'end'; readonly pick: number; readonly works: boolean }
  | {
      readonly kind:
        | 'tick'
        | 'exit'
        | 'hang'
        | 'disk'
        | 'unsafe'
        | 'errant'
        | 'marked'
        | 'mark-failed'
        | 'mark-found'
        | 'transfer';
    };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('leadership' as const),
      isLeader: fc.boolean(),
      advance: fc.boolean(),
      isReady: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      pick: fc.nat(3),
      works: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'tick',
        'exit',
        'hang',
        'disk',
        'unsafe',
        'errant',
        'marked',
        'mark-failed',
        'mark-found',
        'transfer',
      ),
    }) as fc.Arbitrary<Move>,
  },
);

test('no order of facts breaks a rule of the role (G1, G5, G7, H4, H16)', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 120 }), (moves) => {
      const node = new RoleHarness();
      const rules = new Rules();
      for (const each of moves) rules.check(node, play(node, each));
    }),
    { numRuns: 3000 },
  );
});

function play(node: RoleHarness, each: Move): readonly RoleEffect[] {
  switch (each.kind) {
    case 'leadership':
      return node.give({
        kind: 'leadership',
        view: {
          isLeader: each.isLeader,
          // A node never gains leadership twice in one term.
          term:
            node.leadership.term +
            Number(each.advance || (each.isLeader && !node.leadership.isLeader)),
          isLeaderReady: each.isLeader && each.isReady,
          isTailDecided: each.isReady,
        },
      });
    case 'end': {
      const ids = [...node.running.keys()];
      const taskId = ids[each.pick % Math.max(1, ids.length)];
      if (taskId === undefined) return [];
      node.running.delete(taskId);
      if (each.works) return node.give({ kind: 'task-done', taskId });
      return node.give({ kind: 'task-failed', taskId, code: 'TEST', reason: 'it failed' });
    }
    case 'tick':
      return node.give({ kind: 'tick' });
    case 'exit':
      return node.give({ kind: 'server-exited', reason: 'died' });
    case 'hang':
      return node.give({ kind: 'server-unresponsive', reason: 'hangs' });
    case 'disk':
      return node.give({ kind: 'disk-fault', reason: 'full' });
    case 'unsafe':
      return node.give({ kind: 'server-unsafe', reason: 'setting' });
    case 'errant':
      return node.give({ kind: 'errant-found', reason: 'errant', gtids: '', canRebuild: true });
    case 'marked':
      return node.condemning === null ? [] : node.condemned();
    case 'mark-failed':
      return node.condemning === null ? [] : node.condemnFailed();
    case 'mark-found':
      return node.give({ kind: 'condemned', reason: 'found', gtids: '', canRebuild: true });
    default:
      return node.give({ kind: 'transfer-requested', target: null, deadlineMs: 100 });
  }
}

class Rules {
  #cutSinceKill = false;
  #isErrant = false;
  readonly #takenOverTerms = new Set<number>();

  check(node: RoleHarness, effects: readonly RoleEffect[]): void {
    const { state } = node.machine;
    if (words(effects).includes('rebuild')) {
      expect(node.isMarked, 'no rebuild before the mark is durable').toBe(true);
    }
    for (const effect of effects) this.#checkEffect(effect);
    if (node.openTerm !== null) {
      expect(node.leadership).toMatchObject({ isLeader: true, term: node.openTerm });
      expect(writableTerm(state)).toBe(node.openTerm);
    }
    const writable = writableTerm(state);
    if (writable !== null)
      expect(node.leadership).toMatchObject({ isLeader: true, term: writable });
    const said = words(effects);
    if (said.includes('kill-server') && said.includes('close-gate')) {
      expect(said.indexOf('close-gate')).toBeLessThan(said.indexOf('stop-acks'));
      expect(said.indexOf('stop-acks')).toBeLessThan(said.indexOf('kill-server'));
    }
    const others = [...node.running.values()].filter((task) => task.kind !== 'kill-server');
    expect(others.length, 'one task at a time').toBeLessThanOrEqual(1);
  }

  #checkEffect(effect: RoleEffect): void {
    if (effect.kind === 'set-electable') this.#isErrant = !effect.isElectable;
    if (effect.kind !== 'run-task') return;
    const { task } = effect;
    if (task.kind === 'rebuild') this.#isErrant = false;
    if (task.kind === 'start-server') expect(this.#isErrant, 'no start on errant data').toBe(false);
    if (task.kind === 'cut-binlog') this.#cutSinceKill = true;
    if (task.kind === 'kill-server') this.#cutSinceKill = false;
    if (task.kind === 'start-server')
      expect(this.#cutSinceKill, 'no start without a cut').toBe(true);
    if (task.kind === 'take-over') {
      expect(this.#takenOverTerms.has(task.term), 'one promotion in a term').toBe(false);
      this.#takenOverTerms.add(task.term);
    }
  }
}
