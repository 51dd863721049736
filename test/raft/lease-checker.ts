import { assert } from '../../base/assert.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { NodeId } from '../../raft/core/types.ts';
import type { SimulatedNode } from './simulated-node.ts';

/**
 * Counts leases as a shell does, in a network where all nodes tick together: from the sending of a round that a quorum
 * has answered, for the minimum election timeout. While one runs, nobody else may lead (Raft thesis §6.4.1, HAZARDS R9).
 */
export class LeaseChecker {
  readonly #nodes: readonly SimulatedNode[];
  readonly #durationTicks: number;
  /** When the first message of a round left, by leader, term and round. */
  readonly #sentAt = new Map<string, number>();
  #now = 0;
  #leasesSeen = 0;

  constructor(nodes: readonly SimulatedNode[], durationTicks: number) {
    this.#nodes = nodes;
    this.#durationTicks = durationTicks;
  }

  get leasesSeen(): number {
    return this.#leasesSeen;
  }

  tick(): void {
    this.#now += 1;
  }

  onSend(node: SimulatedNode, message: Message): void {
    if (message.kind !== 'append-request') return;
    const key = roundKey(node.id, message.term, message.readRound);
    if (!this.#sentAt.has(key)) this.#sentAt.set(key, this.#now);
  }

  check(): void {
    const up = this.#nodes.filter((node) => node.isUp).map(({ status }) => status);
    for (const status of up.filter(({ isLeaseSafe }) => isLeaseSafe)) {
      if (status.leaderReadyIndex === null || status.isTransferring) continue;
      const sentAt = this.#sentAt.get(roundKey(status.id, status.term, status.quorumRound));
      if (sentAt === undefined || this.#now >= sentAt + this.#durationTicks) continue;
      this.#leasesSeen += 1;
      const rival = up.find((other) => other.role === 'leader' && other.term > status.term);
      assert(rival === undefined, `R9: ${rival?.id} leads under the lease of ${status.id}`);
    }
  }
}

function roundKey(id: NodeId, ledTerm: number, round: number): string {
  return `${id} ${ledTerm} ${round}`;
}
