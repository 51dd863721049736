import { z } from 'zod';
import { SystemClock } from '../base/clock.ts';
import { boundHeapGrowth } from '../cli/heap-growth.ts';
import type { RaftNode } from '../raft/index.ts';
import { openMemberNode } from '../test/support/member-node.ts';
import { encodePutAnswer, encodeStatus } from './core/etcd-wire.ts';
import { readMemberSettings } from './member-settings.ts';
import { PutQueue } from './put-queue.ts';
import { putService } from './put-service.ts';
import { serveUnary, type UnaryHandler } from './unary-server.ts';

// A process that is one Raft member, and takes puts while it leads: `raft-member.ts <settings as JSON>`.

const fillSchema = z.strictObject({
  count: z.int().min(1).max(10_000_000),
  bytes: z.int().min(0).max(1_048_576),
});
/** Of a fill, so many are proposed together, and so often at once: more would keep a leader from its heartbeats. */
const fillBatch = 1000;
const fillsAtOnce = 4;
/** A put of 64 MiB, and its key. */
const requestBytesMax = 65 * 1024 * 1024;
/** As often as a node tells Raft what its server has applied. */
const appliedEveryMs = 100;

async function main(): Promise<void> {
  // As a node does.
  boundHeapGrowth();
  const settings = readMemberSettings(process.argv[2]);
  const node = await openMemberNode(settings);
  const queue = new PutQueue(node);
  // There is no state machine beside the log: what is committed counts as applied.
  new SystemClock().every(appliedEveryMs, () => node.setApplied(node.status.commitIndex));
  await serveUnary({
    port: settings.clientPort,
    requestBytesMax,
    handlers: new Map<string, UnaryHandler>([
      [
        putService.put.path,
        async (request) => {
          const { index, term } = await queue.put(request);
          return encodePutAnswer({ revision: index, term });
        },
      ],
      [putService.status.path, () => Promise.resolve(statusOf(node))],
      [putService.fill.path, (request) => fill(queue, request)],
    ]),
  });
}

function statusOf(node: RaftNode): Uint8Array {
  const { id, leaderId, leaderReadyIndex, role, term, commitIndex } = node.status;
  // One that still has to commit an entry of its own term takes no puts yet: it is no leader to a client.
  const isReady = role !== 'leader' || leaderReadyIndex !== null;
  return encodeStatus({
    memberId: numberOf(id),
    leaderId: leaderId === null || !isReady ? 0n : numberOf(leaderId),
    term: BigInt(term),
    index: BigInt(commitIndex),
  });
}

function numberOf(id: string): bigint {
  return BigInt(id.slice(1));
}

async function fill(queue: PutQueue, request: Uint8Array): Promise<Uint8Array> {
  const { count, bytes } = fillSchema.parse(JSON.parse(new TextDecoder().decode(request)));
  const payload = new Uint8Array(bytes).fill(0x6b);
  let left = count;
  const fillOn = async (): Promise<void> => {
    while (left > 0) {
      const batch = Math.min(fillBatch, left);
      left -= batch;
      await Promise.all(Array.from({ length: batch }, () => queue.put(payload)));
    }
  };
  await Promise.all(Array.from({ length: fillsAtOnce }, fillOn));
  return new Uint8Array();
}

await main();
