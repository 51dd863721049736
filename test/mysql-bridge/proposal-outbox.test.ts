import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ProposalOutbox,
  type ProposedTransaction,
  type TransactionEnd,
} from '../../mysql-bridge/proposal-outbox.ts';
import { type LogIndex, logIndex, term } from '../../raft/core/types.ts';
import { NotLeaderError, TooManyInFlightError, TransferringError } from '../../raft/errors.ts';
import type { ProposalReceipt } from '../../raft/raft-api.ts';

/** A log that takes proposals, or says no as told. */
class Log {
  readonly taken: number[] = [];
  readonly batches: number[] = [];
  refusal: Error | null = null;
  inTerm = 3;

  readonly propose = (batch: readonly Uint8Array[]): ProposalReceipt => {
    if (this.refusal !== null) throw this.refusal;
    const firstIndex = logIndex(this.taken.length + 1);
    this.taken.push(...batch.map((bytes) => bytes[0] ?? 0));
    this.batches.push(batch.length);
    return { term: term(this.inTerm), firstIndex, count: batch.length };
  };
}

test('all that waits goes in as one proposal, and each transaction gets the index of its final payload', () => {
  const log = new Log();
  const outbox = new ProposalOutbox(term(3), log.propose);
  outbox.add(payload(1));
  outbox.add(payload(2));
  outbox.endTransaction(end(2));
  outbox.add(payload(3));
  outbox.endTransaction(end(3));

  const proposed: ProposedTransaction[] = [];
  const outcome = outbox.flush((each) => proposed.push(each));

  expect(outcome).toEqual({ kind: 'empty' });
  expect(log.batches).toEqual([3]);
  expect(proposed.map(({ lastIndex, position }) => [lastIndex, position.offset])).toEqual([
    [2, 2n],
    [3, 3n],
  ]);
  expect(outbox.bytes).toBe(0);
});

test('when Raft has too much in flight everything waits, in order, and counts', () => {
  const log = new Log();
  log.refusal = new TooManyInFlightError('full');
  const outbox = new ProposalOutbox(term(3), log.propose);
  for (const number of [1, 2]) {
    outbox.add(payload(number));
    outbox.endTransaction(end(number));
  }

  const refused = outbox.flush(() => expect.unreachable('nothing was proposed'));
  const waiting = [outbox.transactions, outbox.bytes];
  log.refusal = null;
  const taken = outbox.flush(() => undefined);

  expect(refused).toEqual({ kind: 'waiting' });
  expect(waiting).toEqual([2, 2]);
  expect(taken).toEqual({ kind: 'empty' });
  expect(log.taken).toEqual([1, 2]);
});

test.for([
  ['RAFT_NOT_LEADER', new NotLeaderError(null)],
  ['RAFT_TRANSFERRING', new TransferringError()],
] as const)('%s means that nothing more may be proposed (G7)', ([reason, refusal]) => {
  const log = new Log();
  log.refusal = refusal;
  const outbox = new ProposalOutbox(term(3), log.propose);
  outbox.add(payload(1));

  expect(outbox.flush(() => undefined)).toEqual({ kind: 'not-leading', reason });
});

test('a proposal that landed in another term counts for nothing (G1)', () => {
  const log = new Log();
  log.inTerm = 4;
  const outbox = new ProposalOutbox(term(3), log.propose);
  outbox.add(payload(1));
  outbox.endTransaction(end(1));

  const outcome = outbox.flush(() => expect.unreachable('it is not of this term'));

  expect(outcome).toMatchObject({ kind: 'not-leading' });
  expect(outbox.transactions).toBe(1);
});

test('a flush within a proposal proposes nothing twice', () => {
  const log = new Log();
  const outbox: ProposalOutbox = new ProposalOutbox(term(3), (payloads) => {
    const receipt = log.propose(payloads);
    outbox.flush(() => undefined);
    return receipt;
  });
  for (let number = 1; number <= 1500; number += 1) outbox.add(payload(number % 256));

  outbox.flush(() => undefined);

  expect(log.batches).toEqual([1024, 476]);
});

test('whatever Raft refuses in between, each payload goes in once and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('add', 'flush', 'refuse', 'accept')), (moves) => {
      const log = new Log();
      const outbox = new ProposalOutbox(term(3), log.propose);
      const places: LogIndex[] = [];
      let added = 0;
      for (const move of moves) {
        if (move === 'add') {
          added += 1;
          outbox.add(payload(added));
          outbox.endTransaction(end(added));
        }
        if (move === 'refuse') log.refusal = new TooManyInFlightError('full');
        if (move === 'accept') log.refusal = null;
        if (move === 'flush') outbox.flush(({ lastIndex }) => places.push(lastIndex));
      }
      log.refusal = null;
      outbox.flush(({ lastIndex }) => places.push(lastIndex));

      const all = Array.from({ length: added }, (_, index) => index + 1);
      expect(log.taken).toEqual(all);
      expect(places).toEqual(all);
      expect([outbox.bytes, outbox.transactions]).toEqual([0, 0]);
    }),
  );
});

function payload(number: number): Uint8Array {
  return new Uint8Array([number]);
}

function end(number: number): TransactionEnd {
  const position = { file: 'binlog.000001', offset: BigInt(number) };
  return { position, needsAck: true, receivedAtMs: 0, connectionId: 0 };
}
