import { expect, test } from 'vitest';
import { widenReceiveWindow } from '../../../raft/grpc/receive-window.ts';

test('a call whose session cannot be found keeps its window', () => {
  expect(widenReceiveWindow({ call: { stream: null } })).toBe(false);
  expect(widenReceiveWindow(null)).toBe(false);
});

test('the window of the session under a call is widened to several appends', () => {
  const told: unknown[] = [];
  const session = {
    destroyed: false,
    settings: (settings: unknown) => told.push(settings),
    setLocalWindowSize: (bytes: number) => told.push(bytes),
  };
  expect(widenReceiveWindow({ call: { stream: { session } } })).toBe(true);
  expect(told).toEqual([{ initialWindowSize: 8 * 1024 * 1024 }, 8 * 1024 * 1024]);
});
