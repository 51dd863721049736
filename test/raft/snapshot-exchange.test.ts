import { expect, test } from 'vitest';
import { type Deferred, deferred } from '../../base/deferred.ts';
import type { Logger } from '../../base/logger.ts';
import type { Input } from '../../raft/core/inputs.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import { SnapshotExchange } from '../../raft/snapshot-exchange.ts';
import type { SnapshotSource, SnapshotStore } from '../../raft/snapshot-store.ts';
import { n2, settled } from './shell-fakes.ts';

function meta(index: number): SnapshotMeta {
  return { last: { term: term(1), index: logIndex(index) }, membership: null };
}

/** Holds what a test says, and installs when a test says so. */
class ScriptedStore implements SnapshotStore {
  held: SnapshotMeta | null = null;
  readonly installs: { readonly meta: SnapshotMeta; readonly done: Deferred<void> }[] = [];

  describe(): SnapshotMeta | null {
    return this.held;
  }

  open(): AsyncIterable<Uint8Array> {
    throw new Error('nobody reads here');
  }

  install(installed: SnapshotMeta, _chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const done = deferred();
    this.installs.push({ meta: installed, done });
    return done.promise;
  }
}

const source: SnapshotSource = {
  async *fetch() {
    await Promise.resolve();
    yield new Uint8Array(1);
  },
};

function bench(store: ScriptedStore | null = new ScriptedStore(), from: SnapshotSource = source) {
  const sent: Message[] = [];
  const inputs: Input[] = [];
  const warnings: string[] = [];
  const fatal: unknown[] = [];
  let commitIndex = 0;
  const ending = new AbortController();
  const log = (event: string): void => void warnings.push(event);
  const logger = { debug: () => {}, info: () => {}, warn: log, error: log } as unknown as Logger;
  const exchange = new SnapshotExchange({
    parts: store === null ? null : { store, source: from, stallMsMax: 1000 },
    logger,
    send: (_to, message) => sent.push(message),
    onInput: (input) => inputs.push(input),
    commitIndex: () => logIndex(commitIndex),
    tickMs: 25,
    onFatal: (error) => fatal.push(error),
    signal: ending.signal,
  });
  const offer = (coversAtLeast: number, logBase: SnapshotMeta | null = null): void =>
    exchange.offer({
      kind: 'send-snapshot',
      to: n2,
      term: term(3),
      coversAtLeast: logIndex(coversAtLeast),
      logBase,
    });
  const fetch = (index: number): void =>
    exchange.fetch({ kind: 'fetch-snapshot', from: n2, meta: meta(index) });
  const commit = (index: number): void => {
    commitIndex = index;
  };
  const tick = (count: number): void => {
    for (let done = 0; done < count; done += 1) exchange.tick();
  };
  return { store, sent, inputs, warnings, fatal, ending, offer, fetch, commit, tick };
}

test('the newest snapshot is offered, if it goes far enough', () => {
  const { store, sent, warnings, offer } = bench();

  offer(5);
  if (store !== null) store.held = meta(4);
  offer(5);
  expect(sent).toEqual([]);
  expect(warnings).toEqual(['snapshot-missing', 'snapshot-missing']);
  if (store !== null) store.held = meta(5);
  offer(5);

  expect(sent).toEqual([{ kind: 'install-snapshot', term: 3, meta: meta(5) }]);
});

test('a peer without a state is offered what the log begins behind where no snapshot goes so far', () => {
  const { store, sent, warnings, offer } = bench();
  const without = bench(null);

  offer(5, meta(5));
  if (store !== null) store.held = meta(7);
  offer(5, meta(5));
  without.offer(5, meta(6));

  expect(sent).toMatchObject([{ meta: meta(5) }, { meta: meta(7) }]);
  expect(without.sent).toMatchObject([{ meta: meta(6) }]);
  expect([...warnings, ...without.warnings]).toEqual([]);
});

test('the machine is told when a snapshot is installed, and when it could not be', async () => {
  const { store, inputs, fetch } = bench();

  fetch(7);
  store?.installs[0]?.done.resolve();
  await settled();
  fetch(9);
  store?.installs[1]?.done.reject(new Error('cut'));
  await settled();

  expect(inputs).toEqual([
    { kind: 'snapshot-installed', meta: meta(7) },
    { kind: 'snapshot-failed', meta: meta(9) },
  ]);
});

test('one snapshot is installed at a time', async () => {
  const { store, inputs, fetch } = bench();
  fetch(7);

  fetch(9);

  expect(inputs).toEqual([{ kind: 'snapshot-failed', meta: meta(9) }]);
  expect(store?.installs).toHaveLength(1);
  await settled();
});

test('a node without snapshots offers none and takes none, and says so', () => {
  const { sent, inputs, warnings, offer, fetch } = bench(null);

  offer(1);
  fetch(7);

  expect(sent).toEqual([]);
  expect(warnings).toEqual(['snapshot-missing']);
  expect(inputs).toEqual([{ kind: 'snapshot-failed', meta: meta(7) }]);
});

test('what fails because the node ends is not told of', async () => {
  const { store, inputs, warnings, ending, fetch } = bench();
  fetch(7);

  ending.abort();
  store?.installs[0]?.done.reject(new Error('aborted'));
  await settled();

  expect(inputs).toEqual([]);
  expect(warnings).toEqual([]);
});

test('a snapshot that the log has overtaken meanwhile is not installed over the newer state', async () => {
  const taken: string[] = [];
  const { inputs, fetch, commit } = bench(
    new (class extends ScriptedStore {
      override async install(_meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          taken.push(`${chunk.length} bytes`);
          commit(5);
        }
        taken.push('in effect');
      }
    })(),
  );

  fetch(5);
  await settled();

  expect(taken).toEqual(['1 bytes']);
  expect(inputs).toEqual([{ kind: 'snapshot-failed', meta: meta(5) }]);
});

test('a store that never ends an installation ends the node, and says so before (R11)', async () => {
  const { inputs, warnings, fatal, fetch, tick } = bench();
  fetch(7);
  await settled();

  tick(39);
  expect(warnings).toEqual(['snapshot-install-slow']);
  expect(fatal).toEqual([]);
  tick(10);

  expect(fatal).toMatchObject([{ code: 'SNAPSHOT_STUCK', exitStatus: 24 }]);
  // Whatever it still does, the machine is not told that the fetch is over: the state may change at any time.
  expect(inputs).toEqual([]);
});

/** Takes one chunk after the other, each when the test says so. */
class SlowStore extends ScriptedStore {
  readonly #steps: Deferred<void>[] = [];
  #isOver = false;

  override async install(_meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const _ of chunks) await this.#step();
    await this.#step();
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async finishStep(): Promise<void> {
    this.#steps.shift()?.resolve();
    await settled();
  }

  #step(): Promise<void> {
    const step = deferred();
    this.#steps.push(step);
    return step.promise;
  }
}

test('a store that is slow and goes on is waited for, and so is the source', async () => {
  const store = new SlowStore();
  const chunk = deferred();
  const { inputs, fatal, fetch, tick } = bench(store, {
    async *fetch() {
      yield new Uint8Array(1);
      await chunk.promise;
      yield new Uint8Array(1);
    },
  });
  fetch(7);
  await settled();

  tick(39);
  await store.finishStep();
  // Now it is the source's turn.
  tick(500);
  chunk.resolve();
  await settled();
  tick(39);
  await store.finishStep();
  tick(39);
  await store.finishStep();

  expect(store.isOver).toBe(true);
  tick(500);
  expect(fatal).toEqual([]);
  expect(inputs).toEqual([{ kind: 'snapshot-installed', meta: meta(7) }]);
});

test('a store that hangs at the end, when it has all bytes, ends the node as well', async () => {
  const store = new SlowStore();
  const { fatal, fetch, tick } = bench(store);
  fetch(7);
  await settled();
  await store.finishStep();

  tick(40);

  expect(fatal).toMatchObject([{ code: 'SNAPSHOT_STUCK' }]);
});
