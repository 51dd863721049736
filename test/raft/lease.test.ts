import { expect, test } from 'vitest';
import { LeaderLease, leaseDurationMs } from '../../raft/lease.ts';

test('a lease is shorter than the time a follower refuses its vote, by the drift bound', () => {
  const durationMs = leaseDurationMs({ electionTicksMin: 20, tickMs: 25, driftBound: 0.1 });

  expect(durationMs).toBeCloseTo(18 * 25 * 0.9);
  expect(durationMs).toBeLessThan(20 * 25);
  expect(leaseDurationMs({ electionTicksMin: 1, tickMs: 25, driftBound: 0 })).toBe(0);
});

test('a lease counts from the first message of its round, not from the answer', () => {
  const lease = new LeaderLease({ durationMs: 100 });
  lease.sending(1, 1000);
  lease.sending(1, 1050);
  expect(lease.untilMs).toBe(0);

  lease.confirmed(1);

  expect(lease.untilMs).toBe(1100);
});

test('a round that confirms earlier ones counts from its own sending', () => {
  const lease = new LeaderLease({ durationMs: 100 });
  lease.sending(1, 1000);
  lease.sending(2, 1030);
  lease.sending(3, 1060);

  lease.confirmed(2);

  expect(lease.untilMs).toBe(1130);
});

test('a late confirmation of an old round does not shorten the lease', () => {
  const lease = new LeaderLease({ durationMs: 100 });
  lease.sending(1, 1000);
  lease.sending(2, 1030);
  lease.confirmed(2);

  lease.confirmed(1);

  expect(lease.untilMs).toBe(1130);
});

test('a round whose sending is not known gives no more than the one before it', () => {
  const lease = new LeaderLease({ durationMs: 100 });
  for (let round = 1; round <= 3000; round += 1) lease.sending(round, 1000 + round);

  lease.confirmed(3000);

  expect(lease.untilMs).toBe(1000 + 1024 + 100);
});

test('a new term starts without a lease, and old rounds say nothing in it', () => {
  const lease = new LeaderLease({ durationMs: 100 });
  lease.sending(7, 1000);
  lease.confirmed(7);

  lease.reset();
  lease.confirmed(7);

  expect(lease.untilMs).toBe(0);
});
