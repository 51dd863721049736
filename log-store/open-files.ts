import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FatalError } from '../base/fatal.ts';
import { logIndex, type NodeId, term } from '../raft/core/types.ts';
import { DurableMarker, syncDirectory } from './durable-marker.ts';
import { type Engine, type EngineOptions, holdsTables, openEngine } from './engine.ts';
import { logStoreCorrupt, readFailure, writeFailure } from './errors.ts';
import { allKeys, identityKey, snapshotKey, stateKey } from './keys.ts';
import {
  decodeIdentity,
  decodeSnapshot,
  decodeState,
  encodeIdentity,
  encodeState,
  formatVersion,
  type StoredSnapshot,
  type StoredState,
} from './meta-codec.ts';
import { checkMark } from './open-check.ts';
import { chainStart } from './record-codec.ts';
import { checkTablesBeforeOpen } from './table-check.ts';

/** The two parts of a store's folder. */
const engineFolder = 'level';
const markerFile = 'durable-mark';

/** Of the tables' blocks, so many bytes are read before the engine opens; the background check reads the others. */
const tableBytesMax = 64 * 1024 * 1024;

export interface OpenFilesOptions {
  readonly directory: string;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly engineOptions: EngineOptions;
}

export interface OpenedFiles {
  readonly engine: Engine;
  readonly marker: DurableMarker;
  readonly state: StoredState;
  /** Null when nothing was compacted away. */
  readonly snapshot: StoredSnapshot | null;
  /** Tables of the engine whose blocks were not read yet. */
  readonly uncheckedTables: readonly string[];
}

const emptyState: StoredState = {
  sequence: 0,
  hardState: { term: term(0), votedFor: null },
  firstIndex: logIndex(1),
  lastIndex: logIndex(0),
  lastChecksum: chainStart,
  recheckFrom: logIndex(1),
  membershipIndexes: [],
};

/**
 * Opens or makes the engine and the mark, and checks that they are this node's and agree. The mark is made last and
 * before the first write: a folder without it never had anything reported durable, or has lost it.
 */
export async function openFiles(options: OpenFilesOptions): Promise<OpenedFiles> {
  try {
    await mkdir(options.directory, { recursive: true });
    return await openBoth(options);
  } catch (thrown) {
    throw writeFailure(thrown);
  }
}

async function openBoth(options: OpenFilesOptions): Promise<OpenedFiles> {
  const engineDirectory = join(options.directory, engineFolder);
  const markerPath = join(options.directory, markerFile);
  const hadTables = await holdsTables(engineDirectory);
  const uncheckedTables = await checkTablesBeforeOpen(engineDirectory, tableBytesMax);
  const existing = await DurableMarker.open(markerPath);
  let marker = existing?.marker ?? null;
  let engine: Engine | null = null;
  try {
    // The engine would take a folder without its list of tables for a new one, and delete the tables.
    const mayCreate = existing === null && !hadTables;
    engine = await openEngine(engineDirectory, { ...options.engineOptions, mayCreate });
    const state = await readOrMakeState(engine, { ...options, isNew: existing === null });
    if (existing !== null) checkMark(state, existing.mark);
    const snapshot = await readSnapshot(engine, state);
    marker ??= await makeMarker(markerPath, state);
    const { sequence, hardState, lastIndex } = state;
    marker.write({ sequence, term: hardState.term, lastIndex });
    return { engine, marker, state, snapshot, uncheckedTables };
  } catch (thrown) {
    // Whatever else goes wrong, the reason of the refusal is what must be told.
    await Promise.allSettled([marker?.close(), engine?.close()]);
    throw thrown;
  }
}

async function makeMarker(path: string, state: StoredState): Promise<DurableMarker> {
  const { sequence, hardState, lastIndex } = state;
  if (sequence > 0) {
    const reason = `${path} is gone, nothing tells what was reported durable`;
    throw logStoreCorrupt({ index: null, reason });
  }
  const marker = await DurableMarker.create(path, { sequence, term: hardState.term, lastIndex });
  await syncDirectory(dirname(dirname(path)));
  return marker;
}

async function readOrMakeState(
  engine: Engine,
  options: OpenFilesOptions & { readonly isNew: boolean },
): Promise<StoredState> {
  const [identityBytes, stateBytes] = await engine
    .getMany([identityKey, stateKey])
    .catch((thrown: unknown) => {
      throw readFailure(null, thrown);
    });
  if (identityBytes === undefined && stateBytes === undefined && options.isNew) {
    return makeState(engine, options);
  }
  checkIdentity(identityBytes, options);
  const state = stateBytes === undefined ? null : decodeState(stateBytes);
  if (state !== null) return state;
  const reason = `the record of its state is ${stateBytes === undefined ? 'missing' : 'damaged'}`;
  throw logStoreCorrupt({ index: null, reason });
}

/** A log that begins behind entry 1 must know behind what. */
async function readSnapshot(engine: Engine, state: StoredState): Promise<StoredSnapshot | null> {
  const bytes = await engine.get(snapshotKey).catch((thrown: unknown) => {
    throw readFailure(null, thrown);
  });
  const snapshot = bytes === undefined ? null : decodeSnapshot(bytes);
  const isFound = bytes === undefined || snapshot !== null;
  const last = snapshot?.meta.last.index ?? 0;
  if (isFound && last + 1 === state.firstIndex) return snapshot;
  const reason = `the log begins at ${state.firstIndex}, and what it begins behind is ${isFound ? `entry ${last}` : 'damaged'}`;
  throw logStoreCorrupt({ index: null, reason });
}

async function makeState(engine: Engine, options: OpenFilesOptions): Promise<StoredState> {
  const [strayKey] = await engine.keys({ ...allKeys, limit: 1 }).all();
  if (strayKey !== undefined) {
    throw logStoreCorrupt({ index: null, reason: 'it holds records, but not whose they are' });
  }
  const { clusterId, nodeId } = options;
  const identity = encodeIdentity({ formatVersion, clusterId, nodeId });
  await engine.batch(
    [
      { type: 'put', key: identityKey, value: identity },
      { type: 'put', key: stateKey, value: encodeState(emptyState) },
    ],
    { sync: true },
  );
  return emptyState;
}

function checkIdentity(bytes: Uint8Array | undefined, options: OpenFilesOptions): void {
  const identity = bytes === undefined ? null : decodeIdentity(bytes);
  if (identity === null) {
    const reason = `the record of whose it is is ${bytes === undefined ? 'missing' : 'damaged'}`;
    throw logStoreCorrupt({ index: null, reason });
  }
  const { directory, clusterId, nodeId } = options;
  if (identity.formatVersion !== formatVersion) {
    throw new FatalError(
      'DATA_FOREIGN',
      `${directory} has log format ${identity.formatVersion}, this program has ${formatVersion}; use the program that wrote it`,
    );
  }
  if (identity.clusterId !== clusterId || identity.nodeId !== nodeId) {
    throw new FatalError(
      'DATA_FOREIGN',
      `${directory} holds the log of node ${identity.nodeId} of cluster ${identity.clusterId}, not of node ${nodeId} of cluster ${clusterId}; give this node its own data folder`,
    );
  }
}
