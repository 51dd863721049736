import { expect, test } from 'vitest';
import type { Message } from '../../../raft/core/messages.ts';
import { logIndex, term } from '../../../raft/core/types.ts';
import { defaultTransportLimits, type TransportLimits } from '../../../raft/tcp/limits.ts';
import { SendQueue } from '../../../raft/tcp/send-queue.ts';
import { decodeFrame } from '../../../raft/tcp/wire-codec.ts';
import { entries, settled } from '../shell-fakes.ts';

interface Bench {
  readonly queue: SendQueue;
  /** Messages of each frame written. */
  readonly frames: (readonly Message[])[];
  readonly oversize: number[];
}

function bench(limits: Partial<TransportLimits> & { readonly hasRoom?: boolean } = {}): Bench {
  const frames: (readonly Message[])[] = [];
  const oversize: number[] = [];
  const { hasRoom = true } = limits;
  const queue = new SendQueue({
    limits: { ...defaultTransportLimits, ...limits },
    write: (bytes) => {
      const frame = decodeFrame(bytes);
      frames.push(frame.kind === 'messages' ? frame.messages : []);
      return hasRoom;
    },
    onOversize: (bytes) => oversize.push(bytes),
  });
  return { queue, frames, oversize };
}

function small(ofTerm: number): Message {
  return { kind: 'timeout-now', term: term(ofTerm) };
}

function append(bytes: number): Message {
  return {
    kind: 'append-request',
    term: term(1),
    previous: { term: term(0), index: logIndex(0) },
    entries: entries(1, 1, { bytes }),
    commitIndex: logIndex(0),
    readRound: 0,
  };
}

test('what is sent in one go leaves as one frame, in order', async () => {
  const { queue, frames } = bench();

  for (let ofTerm = 1; ofTerm <= 5; ofTerm += 1) queue.push(small(ofTerm));
  await settled();

  expect(frames).toEqual([[1, 2, 3, 4, 5].map(small)]);
});

test('while the socket has no room, messages wait, and then leave together', async () => {
  const { queue, frames } = bench({ hasRoom: false });
  for (let ofTerm = 1; ofTerm <= 5; ofTerm += 1) {
    queue.push(small(ofTerm));
    await settled();
  }
  expect(frames).toEqual([[small(1)]]);

  queue.resume();

  expect(frames).toEqual([[small(1)], [2, 3, 4, 5].map(small)]);
});

test('a frame is not grown past its maximum, but one large message travels alone', async () => {
  const { queue, frames } = bench({ batchBytesMax: 1000 });

  for (const message of [small(1), append(5000), small(2), small(3)]) queue.push(message);
  await settled();

  expect(frames.map((frame) => frame.length)).toEqual([1, 1, 2]);
});

test('a full queue drops new entries, and still takes votes and heartbeats', async () => {
  const { queue, frames } = bench({
    queueBytesMax: 10_000,
    queueMessagesMax: 6,
    hasRoom: false,
  });
  queue.push(small(1));
  await settled();
  expect(frames).toHaveLength(1);

  expect([append(6000), append(6000), small(3), small(4)].map((sent) => queue.push(sent))).toEqual([
    true,
    false,
    true,
    true,
  ]);

  expect([small(5), small(6), small(7), small(8)].map((sent) => queue.push(sent))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(queue.length).toBe(6);
});

test('a message no peer would accept is dropped and reported; what is behind it leaves', async () => {
  const { queue, frames, oversize } = bench({ frameBytesMax: 1000, batchBytesMax: 1000 });

  queue.push(append(5000));
  queue.push(small(1));
  await settled();

  expect(oversize).toHaveLength(1);
  expect(frames).toEqual([[small(1)]]);
});

test('a closed queue keeps and writes nothing', async () => {
  const { queue, frames } = bench();
  queue.push(small(1));

  queue.close();
  await settled();

  expect(queue.push(small(2))).toBe(false);
  expect(frames).toEqual([]);
});
