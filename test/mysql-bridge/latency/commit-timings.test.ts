import { expect, test } from 'vitest';
import { quantileUs } from '../../../base/histogram-snapshot.ts';
import { CommitTimings } from '../../../mysql-bridge/latency/commit-timings.ts';
import { logIndex } from '../../../raft/core/types.ts';
import { FakeClock } from '../../support/fake-clock.ts';

class Bench {
  readonly clock = new FakeClock();
  readonly acked: number[] = [];
  readonly timings: CommitTimings;

  constructor(pendingMax = 8) {
    const onAck = (connectionId: number): unknown => this.acked.push(connectionId);
    this.timings = new CommitTimings({ clock: this.clock, onAck, pendingMax });
  }

  /** Received now, and proposed at once; the server wrote it this long ago. */
  propose(
    index: number,
    options: {
      readonly agoMs?: number;
      readonly connection?: number;
      readonly needsAck?: boolean;
    } = {},
  ): void {
    const commitTimestampUs = (this.clock.wallMs() - (options.agoMs ?? 0)) * 1000;
    const receivedAtMs = this.timings.received(commitTimestampUs);
    const { connection: connectionId = 0, needsAck = true } = options;
    this.timings.proposed({ lastIndex: logIndex(index), receivedAtMs, connectionId, needsAck });
  }

  counts(): number[] {
    const { binlogToBridge, proposeToDurable, proposeToQuorum, quorumToAck } =
      this.timings.snapshot();
    return [binlogToBridge, proposeToDurable, proposeToQuorum, quorumToAck].map(
      ({ count }) => count,
    );
  }
}

test('each stage takes what passed between its ends', () => {
  const { clock, timings, propose } = bound(new Bench());
  propose(1, { agoMs: 4 });
  clock.advance(8);
  timings.durable(logIndex(1));
  clock.advance(8);
  timings.committed(logIndex(1));
  clock.advance(2);
  timings.acking(logIndex(1));

  const shown = timings.snapshot();
  const { binlogToBridge, proposeToDurable, proposeToQuorum, quorumToAck } = shown;
  expect(within(quantileUs(proposeToDurable, 1), 8000)).toBe(true);
  expect(within(quantileUs(proposeToQuorum, 1), 16_000)).toBe(true);
  expect(within(quantileUs(quorumToAck, 1), 2000)).toBe(true);
  // A wall clock of whole milliseconds leaves half of one open at first.
  expect(within(quantileUs(binlogToBridge, 1), 4500)).toBe(true);
});

test('one mark covers all transactions up to its entry, and none twice', () => {
  const bench = new Bench();
  for (const index of [1, 3, 4, 9]) bench.propose(index, { connection: 100 + index });
  bench.timings.durable(logIndex(3));
  bench.timings.durable(logIndex(3));
  bench.timings.committed(logIndex(8));
  bench.timings.acking(logIndex(2));
  expect(bench.counts()).toEqual([4, 2, 3, 1]);
  bench.timings.acking(logIndex(8));
  expect(bench.counts()).toEqual([4, 2, 3, 3]);
  expect(bench.acked).toEqual([101, 103, 104]);
});

test('the commits of a group go on with the ack behind the last of them, not before', () => {
  const bench = new Bench();
  bench.propose(1, { connection: 11 });
  bench.propose(2, { connection: 12, needsAck: false });
  bench.propose(3, { connection: 13, needsAck: false });
  bench.propose(4, { connection: 14 });
  bench.timings.committed(logIndex(3));
  bench.timings.acking(logIndex(3));
  expect(bench.acked).toEqual([11]);
  bench.timings.committed(logIndex(4));
  bench.timings.acking(logIndex(4));
  expect(bench.acked).toEqual([11, 12, 13, 14]);
  expect(bench.counts()).toEqual([4, 0, 4, 4]);
});

test('nothing is acked that no quorum holds, whatever is said', () => {
  const bench = new Bench();
  bench.propose(1, { connection: 7 });
  bench.timings.acking(logIndex(5));
  expect(bench.acked).toEqual([]);
  expect(bench.counts()).toEqual([1, 0, 0, 0]);
});

test('a quorum may be faster than the own disk, which still gets its sample', () => {
  const bench = new Bench();
  bench.propose(1);
  bench.timings.committed(logIndex(1));
  bench.timings.acking(logIndex(1));
  bench.clock.advance(500);
  bench.timings.durable(logIndex(1));
  const { proposeToDurable } = bench.timings.snapshot();
  expect(within(quantileUs(proposeToDurable, 1), 500_000)).toBe(true);
});

test('a transaction whose events name no connection is acked without a word to anybody', () => {
  const bench = new Bench();
  bench.propose(1, { connection: 0 });
  bench.timings.committed(logIndex(1));
  bench.timings.acking(logIndex(1));
  expect(bench.counts()).toEqual([1, 0, 1, 1]);
  expect(bench.acked).toEqual([]);
});

test('more than it has room for are not followed; those behind them are, once there is room', () => {
  const bench = new Bench(4);
  for (let index = 1; index <= 6; index += 1) bench.propose(index);
  bench.timings.durable(logIndex(6));
  bench.timings.committed(logIndex(6));
  bench.timings.acking(logIndex(6));
  expect(bench.counts()).toEqual([6, 4, 4, 4]);
  for (let index = 7; index <= 30; index += 1) {
    bench.propose(index);
    bench.timings.committed(logIndex(index));
    bench.timings.acking(logIndex(index));
    bench.timings.durable(logIndex(index));
  }
  expect(bench.counts()).toEqual([30, 28, 28, 28]);
});

test('a new leadership forgets what waited under the last', () => {
  const bench = new Bench();
  bench.propose(5, { connection: 7 });
  bench.timings.begin();
  bench.timings.committed(logIndex(5));
  bench.timings.acking(logIndex(5));
  bench.propose(6, { connection: 8 });
  bench.timings.committed(logIndex(6));
  bench.timings.acking(logIndex(6));
  expect(bench.acked).toEqual([8]);
  expect(bench.counts()).toEqual([2, 0, 1, 1]);
});

test('log writes are counted on any node', () => {
  const { timings } = new Bench();
  timings.wrote(3);
  timings.durable(logIndex(900));
  timings.committed(logIndex(900));
  expect(timings.snapshot().logWrite).toMatchObject({ count: 1, sumUs: 3000 });
});

function bound(bench: Bench): Bench {
  return Object.assign(bench, { propose: bench.propose.bind(bench) });
}

function within(shownUs: number | null, exactUs: number): boolean {
  return shownUs !== null && shownUs >= exactUs && shownUs <= exactUs * (1 + 1 / 16) + 1;
}
