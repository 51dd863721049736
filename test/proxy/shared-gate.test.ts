import { expect, test } from 'vitest';
import { SharedGate } from '../../proxy/shared-gate.ts';

test('a command needs a round that starts after it', () => {
  const gate = SharedGate.allocate(1);
  expect(gate.startRound()).toBeNull();

  const first = gate.requestRound();
  expect(first.mustWake).toBe(true);
  expect(gate.requestRound()).toEqual({ round: first.round, mustWake: false });
  gate.takeWake();
  const running = gate.startRound();
  expect(running).toBe(first.round);
  // The round has begun, so what arrives now needs the next one.
  const second = gate.requestRound();
  expect(second).toEqual({ round: first.round + 1n, mustWake: true });

  gate.confirmRound(first.round);
  expect(gate.isConfirmed(first.round)).toBe(true);
  expect(gate.isConfirmed(second.round)).toBe(false);
  expect(gate.startRound()).toBe(second.round);
  expect(gate.startRound()).toBeNull();
});

test('a later round confirms earlier ones, and never the other way round', () => {
  const gate = SharedGate.allocate(1);
  const first = gate.requestRound().round;
  gate.startRound();
  const second = gate.requestRound().round;
  gate.startRound();
  gate.confirmRound(second);
  gate.confirmRound(first);
  expect(gate.isConfirmed(first)).toBe(true);
  expect(gate.isConfirmed(second)).toBe(true);
  expect(gate.hasUnconfirmedRounds).toBe(false);
});

test('rounds are counted beyond 32 bits', () => {
  const gate = SharedGate.allocate(1);
  // Requested, started and confirmed, as laid out in memory.
  const rounds = new BigInt64Array(gate.buffer, 64, 3);
  rounds.fill(0xffff_ffffn);
  const { round } = gate.requestRound();
  expect(round).toBe(0x1_0000_0000n);
  expect(gate.isConfirmed(round)).toBe(false);
  expect(gate.startRound()).toBe(round);
  gate.confirmRound(round);
  expect(gate.isConfirmed(round)).toBe(true);
  expect(gate.isConfirmed(1n)).toBe(true);
});

test('an epoch is never used twice, and closing takes the lease along', () => {
  const gate = SharedGate.allocate(1);
  gate.open('gate');
  gate.open('read-only');
  const epoch = gate.epoch('gate');
  gate.setLease(100n);
  expect(gate.isLeaseValid(99n)).toBe(true);
  gate.close('gate');
  expect(gate.epoch('gate')).toBe(0);
  expect(gate.isLeaseValid(99n)).toBe(false);
  gate.open('gate');
  expect(gate.epoch('gate')).not.toBe(epoch);
  expect(() => gate.open('gate')).toThrow();
});

test('sessions of a port are counted up to their maximum, over all workers', () => {
  const gate = SharedGate.allocate(2);
  const other = new SharedGate(gate.buffer);
  expect(gate.admitSession('readOnly', 2)).toBe(true);
  expect(other.admitSession('readOnly', 2)).toBe(true);
  expect(gate.admitSession('readOnly', 2)).toBe(false);
  other.leaveSession('readOnly');
  expect(gate.sessions('readOnly')).toBe(1);
  expect(gate.sessions('readWrite')).toBe(0);
});

test('a worker that waits is woken once', () => {
  const gate = SharedGate.allocate(2);
  gate.announceWaiting(1);
  expect(gate.takeWaiting(0)).toBe(false);
  expect(gate.takeWaiting(1)).toBe(true);
  expect(gate.takeWaiting(1)).toBe(false);
});
