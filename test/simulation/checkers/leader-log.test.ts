import { expect, test } from 'vitest';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { logIndex, term } from '../../../raft/core/types.ts';
import { LeaderLog } from './leader-log.ts';
import type { Ledger } from './ledger.ts';
import type { RaftView } from './raft-checker.ts';

function entry(index: number, inTerm: number): Entry {
  const payload = new Uint8Array();
  return { index: logIndex(index), term: term(inTerm), kind: EntryKind.data, payload };
}

/** Only what the checker looks at. */
function member(role: 'leader' | 'follower', inTerm: number, entries: readonly Entry[]): RaftView {
  const status = { role, term: term(inTerm), commitIndex: 0 };
  const log = {
    firstIndex: 1,
    lastIndex: entries.length,
    at: (index: number) => entries[index - 1],
  };
  return { id: 'n1', status, log } as unknown as RaftView;
}

/** Rules that break when a member with this log is elected, after the entries were committed by a leader of term 5. */
function rulesBrokenBy(elected: RaftView): string[] {
  const committed = [entry(1, 1), entry(2, 5)];
  const broken: string[] = [];
  const ledger = { length: 2, at: (index: number) => committed[index - 1] } as unknown as Ledger;
  const judge = {
    nowUs: 0,
    check: (claim: boolean, rule: string) => {
      if (!claim) broken.push(rule);
    },
  };
  const checker = new LeaderLog(judge, ledger);
  for (const each of committed) checker.committed(each, member('leader', 5, committed));
  checker.stepped(elected, { kind: 'tick' }, []);
  return broken;
}

test('a leader of a later term that lacks a committed entry breaks Leader Completeness (I4)', () => {
  expect(rulesBrokenBy(member('leader', 6, [entry(1, 1)]))).toEqual(['I4']);
  expect(rulesBrokenBy(member('leader', 6, [entry(1, 1), entry(2, 5)]))).toEqual([]);
});

test('a stopped candidate that counts its votes late need not hold what a later term committed', () => {
  expect(rulesBrokenBy(member('leader', 4, [entry(1, 1)]))).toEqual([]);
});
