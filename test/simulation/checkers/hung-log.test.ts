import { expect, test } from 'vitest';
import { defaultRaftTimings } from '../../../raft/core/config.ts';
import { term } from '../../../raft/core/types.ts';
import type { LogBatch } from '../../../raft/log-store.ts';
import { HungLog } from './hung-log.ts';
import { recordingJudge } from './judging.ts';
import type { RaftView } from './raft-checker.ts';

const manyTicks = 10 * defaultRaftTimings.electionTicksMax;

/** A node whose disk is at `writeAt(tick)`, for many ticks: what breaks. */
function rulesBrokenBy(
  role: 'leader' | 'follower',
  writeAt: (tick: number) => readonly LogBatch[] | null,
): readonly string[] {
  const { judge, broken } = recordingJudge();
  const checker = new HungLog(judge);
  const disk: { writeUnderWay: readonly LogBatch[] | null } = { writeUnderWay: null };
  const node = { id: 'n1', status: { role, term: term(1) }, disk } as unknown as RaftView;
  for (let tick = 0; tick < manyTicks; tick += 1) {
    disk.writeUnderWay = writeAt(tick);
    checker.stepped(node, { kind: 'tick' }, []);
  }
  return [...new Set(broken)];
}

test('a leader that goes on while one write does not end breaks R11', () => {
  const write: readonly LogBatch[] = [];
  expect(rulesBrokenBy('leader', () => write)).toEqual(['R11']);
});

test('a follower may wait for its disk, and a leader be busy with one write after the other', () => {
  const write: readonly LogBatch[] = [];
  expect(rulesBrokenBy('follower', () => write)).toEqual([]);
  const writes: LogBatch[][] = Array.from({ length: manyTicks }, () => []);
  expect(rulesBrokenBy('leader', (tick) => writes[tick - (tick % 50)] ?? null)).toEqual([]);
  expect(rulesBrokenBy('leader', (tick) => (tick % 50 === 0 ? null : write))).toEqual([]);
});
