import type { Membership } from '../../../raft/core/membership.ts';
import { AnswersCounted } from '../checkers/answers-counted.ts';
import { DurableBeforeSent } from '../checkers/durable-before-sent.ts';
import { ElectionSafety } from '../checkers/election-safety.ts';
import { HungLog } from '../checkers/hung-log.ts';
import { LeaderLog } from '../checkers/leader-log.ts';
import { Ledger } from '../checkers/ledger.ts';
import { LogMatching } from '../checkers/log-matching.ts';
import { MemberChanges } from '../checkers/member-changes.ts';
import { MonotoneState } from '../checkers/monotone-state.ts';
import { type MemberDisk, QuorumLog } from '../checkers/quorum-log.ts';
import type { RaftChecker } from '../checkers/raft-checker.ts';
import { TailDecided } from '../checkers/tail-decided.ts';
import type { Simulation } from '../kernel/simulation.ts';

/** I1–I12 and R11 on the Raft of whole nodes. The order matters: the ledger is ahead of those that measure by it. */
export function raftCheckers(
  simulation: Simulation,
  initial: Membership,
  disks: () => readonly MemberDisk[],
): readonly RaftChecker[] {
  const checkers: RaftChecker[] = [];
  const ledger = new Ledger(simulation, (entry, node) => {
    for (const checker of checkers) checker.committed?.(entry, node);
  });
  checkers.push(
    new LogMatching(simulation),
    ledger,
    new ElectionSafety(simulation),
    new AnswersCounted(simulation),
    new LeaderLog(simulation, ledger),
    new MonotoneState(simulation),
    new DurableBeforeSent(simulation),
    new QuorumLog(simulation, disks),
    new TailDecided(simulation, ledger),
    new MemberChanges(simulation, ledger, initial),
    new HungLog(simulation),
  );
  return checkers;
}
