import { defaultRaftTimings } from '../../../raft/core/config.ts';
import type { Effect } from '../../../raft/core/effects.ts';
import type { Input } from '../../../raft/core/inputs.ts';
import type { LogBatch } from '../../../raft/log-store.ts';
import type { Judge, RaftChecker, RaftView } from './raft-checker.ts';

const { electionTicksMin, electionTicksMax, transferTicksMax } = defaultRaftTimings;

/**
 * Two election timeouts until it is noticed, a transfer that is under way just then, and one to whoever is best; a few more for timers
 * that are late.
 */
const ticksMax = 2 * electionTicksMax + transferTicksMax + electionTicksMin + 20;

interface Hanging {
  readonly write: readonly LogBatch[];
  ticks: number;
}

/**
 * R11: a leader whose log has not ended a write for some election timeouts gives its leadership up, however well its heartbeats travel.
 * The others could commit without it, so clients may notice nothing for long; what it holds in memory grows meanwhile without end,
 * and the failure of one more node stops all. It is measured in ticks of the leader: a process that is stopped cannot do anything.
 */
export class HungLog implements RaftChecker {
  readonly #judge: Judge;
  readonly #hanging = new WeakMap<RaftView, Hanging>();

  constructor(judge: Judge) {
    this.#judge = judge;
  }

  stepped(node: RaftView, input: Input, _effects: readonly Effect[]): void {
    if (input.kind !== 'tick') return;
    const { writeUnderWay } = node.disk;
    if (writeUnderWay === null || node.status.role !== 'leader') {
      this.#hanging.delete(node);
      return;
    }
    const known = this.#hanging.get(node);
    const hanging = known?.write === writeUnderWay ? known : { write: writeUnderWay, ticks: 0 };
    if (hanging !== known) this.#hanging.set(node, hanging);
    hanging.ticks += 1;
    this.#judge.check(
      hanging.ticks <= ticksMax,
      'R11',
      () => `${node.id} leads on in term ${node.status.term}, its log hangs for ${ticksMax} ticks`,
    );
  }
}
