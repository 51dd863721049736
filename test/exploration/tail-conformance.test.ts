import fc from 'fast-check';
import { expect, test } from 'vitest';
import { term as termOf } from '../../raft/core/types.ts';
import { attached, type TailNode } from '../mysql-bridge/tail-node.ts';
import { createAckGateAutomaton, createRoleAutomaton } from './cores.ts';
import { blankNode, transactionOf } from './node-state.ts';
import { type Model, NodeStep } from './node-step.ts';

// Goal: the tail of the model is `BinlogTail`. Method: the same facts in the same order to both, the real one with bytes on its dump; then
// what was proposed, what was acked, what waits and whether a write was called errant must be equal after each.

type Fact =
  | {
      readonly kind:
        | 'transaction'
        | 'commit-all'
        | 'commit-one'
        | 'follow'
        | 'stop-acks'
        | 'propose';
    }
  | { readonly kind: 'lead'; readonly term: number };

const factArbitrary: fc.Arbitrary<Fact> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fact>({ kind: 'transaction' }, { kind: 'propose' }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Fact>({ kind: 'commit-one' }, { kind: 'commit-all' }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Fact>({ kind: 'follow' }, { kind: 'stop-acks' }) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 3 }).map((term): Fact => ({ kind: 'lead', term })),
  },
);

const model: Model = {
  nodes: 1,
  role: createRoleAutomaton(),
  ackGate: createAckGateAutomaton(),
  plants: new Set(),
};

class TailPair {
  readonly #real: TailNode;
  readonly #step: NodeStep;
  readonly #ends: bigint[] = [];

  constructor(real: TailNode) {
    this.#real = real;
    // The role machine in its first state hears of nothing that a tail reports: the tail is on its own.
    const role = model.role.initial();
    this.#step = new NodeStep(model, { ...blankNode, isUp: true, isServerUp: true, role }, 0);
    this.#step.attachTail();
  }

  take(fact: Fact): void {
    const { node } = this.#step;
    switch (fact.kind) {
      case 'transaction':
        this.#commitTransaction();
        return;
      case 'commit-all':
        this.#commit(node.log.length);
        return;
      case 'commit-one':
        this.#commit(Math.min(node.commitIndex + 1, node.log.length));
        return;
      case 'lead':
        // Terms never go back, and whoever leads a term anew has restarted.
        if (fact.term > node.term) this.#lead(fact.term);
        return;
      case 'follow':
        node.isLeader = false;
        this.#step.tellRaft();
        this.#real.raft.change({ role: 'follower' });
        return;
      case 'stop-acks':
        this.#step.stopAcks();
        this.#real.tail.stopAcks();
        return;
      case 'propose':
        if (node.tail !== 'guard' || !node.isLeader) return;
        this.#step.beginProposing(node.term);
        this.#real.tail.beginProposing(node.term);
        return;
    }
  }

  get modelled(): unknown {
    const { node, unacked } = this.#step;
    const { acked, isJudging } = node;
    return { proposed: node.log.length, acked, unacked, isErrant: isJudging };
  }

  get real(): unknown {
    const { raft, acks, tail, errant } = this.#real;
    const acked = this.#ends.indexOf(acks.at(-1) ?? -1n) + 1;
    const proposed = Number(raft.status.lastIndex);
    return { proposed, acked, unacked: tail.unackedCount, isErrant: errant.length > 0 };
  }

  #commitTransaction(): void {
    const number = this.#ends.length + 1;
    const { node } = this.#step;
    node.binlog = [...node.binlog, transactionOf(number, 0, number)];
    this.#step.receiveNext();
    this.#ends.push(this.#real.commitTransaction(BigInt(number)));
  }

  #commit(index: number): void {
    this.#step.node.commitIndex = index;
    this.#step.tellRaft();
    this.#real.raft.commit(index);
  }

  #lead(inTerm: number): void {
    Object.assign(this.#step.node, {
      isLeader: true,
      hasLeader: true,
      term: inTerm,
      confirmed: [0],
    });
    this.#step.tellRaft();
    this.#real.raft.change({ role: 'leader', term: termOf(inTerm) });
  }
}

test('the tail of the model proposes, acks and refuses as the real one', async () => {
  const check = async (facts: readonly Fact[]): Promise<void> => {
    const pair = new TailPair(await attached());
    let transactions = 0;
    for (const fact of facts) {
      if (fact.kind === 'transaction') transactions += 1;
      if (transactions > 9) return;
      pair.take(fact);
      expect(pair.modelled).toEqual(pair.real);
    }
  };

  await fc.assert(
    fc.asyncProperty(fc.array(factArbitrary, { minLength: 5, maxLength: 40 }), check),
    { numRuns: 1000 },
  );
});
