import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../../base/bytes.ts';
import { silentLogger } from '../../base/logger.ts';
import type { LevelLogStoreOptions } from '../../log-store/index.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import { membershipOfVoters } from '../../raft/core/membership.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { type HardState, logIndex, nodeId, term } from '../../raft/core/types.ts';
import type { LogBatch, LogStore } from '../../raft/log-store.ts';

export function entry(index: number, entryTerm: number, payload: Uint8Array | string = ''): Entry {
  return {
    index: logIndex(index),
    term: term(entryTerm),
    kind: EntryKind.data,
    payload: typeof payload === 'string' ? utf8(payload) : payload,
  };
}

/** Entries `first` to `last` of one term, each with a payload of its own. */
export function entries(first: number, last: number, entryTerm = 1): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, offset) =>
    entry(first + offset, entryTerm, `payload ${first + offset} of term ${entryTerm}`),
  );
}

export function hardState(currentTerm: number, votedFor: string | null = null): HardState {
  return { term: term(currentTerm), votedFor: votedFor === null ? null : nodeId(votedFor) };
}

export function batch(parts: {
  readonly hardState?: HardState;
  readonly truncateFrom?: number;
  readonly snapshot?: SnapshotMeta;
  readonly entries?: readonly Entry[];
}): LogBatch {
  return {
    hardState: parts.hardState ?? null,
    truncateFrom: parts.truncateFrom === undefined ? null : logIndex(parts.truncateFrom),
    snapshot: parts.snapshot ?? null,
    entries: parts.entries ?? [],
  };
}

/** What takes the place of the entries up to `index`. */
export function snapshot(
  index: number,
  lastTerm = 1,
  voters: readonly string[] = [],
): SnapshotMeta {
  return {
    last: { term: term(lastTerm), index: logIndex(index) },
    membership:
      voters.length === 0
        ? null
        : { index: logIndex(index), membership: membershipOfVoters(voters.map(nodeId)) },
  };
}

/** All entries in the range, however many calls it takes. */
export async function readAll(store: LogStore, first: number, last: number): Promise<Entry[]> {
  const found: Entry[] = [];
  while (first + found.length <= last) {
    const piece = await store.read({
      first: logIndex(first + found.length),
      last: logIndex(last),
      bytesMax: 1024 * 1024,
    });
    found.push(...piece);
  }
  return found;
}

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'binraft-log-store-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export function levelOptions(directory: string): LevelLogStoreOptions {
  return { directory, clusterId: 'test', nodeId: nodeId('n1'), logger: silentLogger };
}

/** The error a promise rejects with; a promise that settles is the failure of the test. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error('it did not reject');
}
