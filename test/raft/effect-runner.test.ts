import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OperationalError } from '../../base/errors.ts';
import { silentLogger } from '../../base/logger.ts';
import type { Effect, PersistEffect, SendEntriesEffect } from '../../raft/core/effects.ts';
import type { Entry } from '../../raft/core/entry.ts';
import type { Input } from '../../raft/core/inputs.ts';
import type { Message } from '../../raft/core/messages.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import { EffectRunner, type Notice } from '../../raft/effect-runner.ts';
import type { RaftObserver } from '../../raft/raft-observer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { entries, ManualStore, n2, n3, RecordingTransport, settled } from './shell-fakes.ts';

interface Bench {
  readonly runner: EffectRunner;
  readonly store: ManualStore;
  readonly transport: RecordingTransport;
  readonly inputs: Input[];
  readonly notices: Notice[];
  readonly fatal: unknown[];
  readonly rounds: number[];
  isCurrent: boolean;
}

function bench(
  options: {
    readonly cacheBytesMax?: number;
    readonly appendBytesMax?: number;
    readonly observer?: RaftObserver;
    readonly clock?: FakeClock;
  } = {},
): Bench {
  const store = new ManualStore();
  const transport = new RecordingTransport();
  const made: Bench = {
    store,
    transport,
    inputs: [],
    notices: [],
    fatal: [],
    rounds: [],
    isCurrent: true,
    runner: new EffectRunner({
      store,
      transport,
      clock: options.clock ?? new FakeClock(),
      observer: options.observer,
      logger: silentLogger,
      cacheBytesMax: options.cacheBytesMax ?? 1_000_000,
      appendBytesMax: options.appendBytesMax ?? 1_000_000,
      isCurrent: () => made.isCurrent,
      onRoundSent: (round) => made.rounds.push(round),
      onInput: (input) => made.inputs.push(input),
      onNotice: (notice) => made.notices.push(notice),
      onFatal: (error) => made.fatal.push(error),
    }),
  };
  return made;
}

function persist(ioId: number, held: readonly Entry[] = []): PersistEffect {
  return {
    kind: 'persist',
    ioId,
    hardState: null,
    truncateFrom: null,
    snapshot: null,
    entries: held,
  };
}

function vote(ofTerm: number): Message {
  return { kind: 'vote-response', term: term(ofTerm), granted: true };
}

function send(message: Message, after: number | null): Effect {
  return { kind: 'send', to: n2, message, after };
}

function sendEntries(first: number, last: number): SendEntriesEffect {
  return {
    kind: 'send-entries',
    to: n2,
    term: term(1),
    previous: { term: term(first === 1 ? 0 : 1), index: logIndex(first - 1) },
    firstIndex: logIndex(first),
    lastIndex: logIndex(last),
    commitIndex: logIndex(0),
    readRound: 7,
  };
}

/** Indexes of the entries of each append sent. */
function appendsOf(transport: RecordingTransport): number[][] {
  return transport.sent.flatMap(({ message }) =>
    message.kind === 'append-request' ? [message.entries.map((entry) => entry.index)] : [],
  );
}

test('a vote leaves only after the write it rests on (R1, I8)', async () => {
  const { runner, store, transport, inputs } = bench();

  runner.run([persist(1), send(vote(1), 1)]);
  await settled();
  expect(transport.sent).toEqual([]);
  await store.finishWrite();

  expect(transport.sent).toEqual([{ to: n2, message: vote(1) }]);
  expect(inputs).toEqual([{ kind: 'persisted', ioId: 1 }]);
});

test('an answer about entries that are cut off before they are written is never sent (I8)', async () => {
  const { runner, store, transport } = bench();
  const claim = (matchIndex: number): Message => ({
    kind: 'append-response',
    term: term(1),
    readRound: 0,
    appliedIndex: logIndex(0),
    result: { kind: 'matched', matchIndex: logIndex(matchIndex) },
  });
  runner.run([persist(1, entries(1, 1))]);

  // Both wait for the write under way, so that they become one.
  runner.run([persist(2, entries(2, 4)), send(claim(2), 2), send(claim(4), 2)]);
  runner.run([{ ...persist(3, entries(3, 3)), truncateFrom: logIndex(3) }, send(claim(3), 3)]);
  await store.finishWrite();
  await store.finishWrite();

  expect(store.writes.map(({ batch }) => batch.entries.at(-1)?.index)).toEqual([1, 3]);
  expect(transport.sent.map(({ message }) => message)).toEqual([claim(2), claim(3)]);
});

test('what waits for nothing is sent in parallel with the disk write', () => {
  const { runner, store, transport } = bench();

  runner.run([persist(1, entries(1, 2)), sendEntries(1, 2)]);

  expect(store.writes).toHaveLength(1);
  expect(appendsOf(transport)).toEqual([[1, 2]]);
});

test('what waits for a write that is already durable is sent at once', async () => {
  const { runner, store, transport } = bench();
  runner.run([persist(1)]);
  await store.finishWrite();

  runner.run([send(vote(1), 1)]);

  expect(transport.sent).toHaveLength(1);
});

test('neighbouring writes of a turn, and all that wait behind a write, are merged in order', async () => {
  const { runner, store, inputs } = bench();

  runner.run([persist(1, entries(1, 1)), persist(2, entries(2, 2))]);
  runner.run([persist(3, entries(3, 3))]);
  runner.run([persist(4, entries(4, 5))]);
  expect(store.writes.map(({ batch }) => batch.entries)).toEqual([entries(1, 2)]);
  await store.finishWrite();
  expect(store.writes.map(({ batch }) => batch.entries)).toEqual([entries(1, 2), entries(3, 5)]);
  await store.finishWrite();

  expect(inputs).toEqual([
    { kind: 'persisted', ioId: 2 },
    { kind: 'persisted', ioId: 4 },
  ]);
});

test('nothing that depends on a write leaves before it, whatever the order of effects (I8)', async () => {
  const step = fc.constantFrom('persist', 'finish', 'gated send', 'free send');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const made = bench();
      const { store, transport, inputs } = made;
      let ioId = 0;
      for (const run of steps) {
        if (run === 'persist') ioId += 1;
        await play(made, run, ioId);
        const durable = newestPersisted(inputs);
        for (const { message } of transport.sent) expect(message.term).toBeLessThanOrEqual(durable);
      }
      while (newestPersisted(inputs) < ioId) await store.finishWrite();

      const gated = steps.filter((run) => run === 'gated send');
      expect(transport.sent).toHaveLength(gated.length);
    }),
    { numRuns: 60 },
  );
});

/** The term of each vote names the newest write before it, for which a gated one waits. */
async function play({ runner, store, transport }: Bench, run: string, ioId: number): Promise<void> {
  if (run === 'finish') await store.finishWrite();
  if (run === 'persist') runner.run([persist(ioId)]);
  if (run === 'gated send') runner.run([send(vote(ioId), ioId)]);
  if (run !== 'free send') return;
  runner.run([send(vote(ioId), null)]);
  expect(transport.sent.pop()?.message).toEqual(vote(ioId));
}

function newestPersisted(inputs: readonly Input[]): number {
  return Math.max(0, ...inputs.map((input) => (input.kind === 'persisted' ? input.ioId : 0)));
}

test('after a failed write nothing is sent, written or reported any more (R17)', async () => {
  const { runner, store, transport, inputs, fatal } = bench();
  runner.run([persist(1), send(vote(1), 1)]);
  runner.run([persist(2)]);

  await store.failWrite(new Error('EIO'));
  runner.run([persist(3), send(vote(2), null), sendEntries(1, 1)]);
  await settled();

  expect(fatal).toEqual([new Error('EIO')]);
  expect(transport.sent).toEqual([]);
  expect(inputs).toEqual([]);
  expect(store.writes).toHaveLength(1);
});

test('a batch is not grown without bound', async () => {
  const { runner, store } = bench({ cacheBytesMax: 100_000_000 });
  runner.run([persist(1)]);
  const large = { bytes: 3 * 1024 * 1024 };
  runner.run([persist(2, entries(1, 1, large)), persist(3, entries(2, 2, large))]);

  await store.finishWrite();

  expect(store.writes[1]?.batch.entries).toHaveLength(1);
});

test('entries that left memory are read from the store, and what follows waits in order', async () => {
  const { runner, store, transport, rounds } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();

  runner.run([sendEntries(1, 3), send(vote(1), null)]);
  expect(transport.sent).toEqual([]);
  store.reads[0]?.done.resolve(entries(1, 3));
  await settled();

  expect(transport.sent.map(({ message }) => message.kind)).toEqual([
    'append-request',
    'vote-response',
  ]);
  expect(rounds).toEqual([7]);
});

test('a slow read for one peer delays no other', async () => {
  const { runner, store, transport } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();

  runner.run([sendEntries(1, 3), { kind: 'send', to: n3, message: vote(1), after: null }]);

  expect(transport.sent).toEqual([{ to: n3, message: vote(1) }]);
});

test('a read that was cut goes out as several appends without a hole', async () => {
  const { runner, store, transport } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();

  runner.run([sendEntries(1, 3)]);
  store.reads[0]?.done.resolve(entries(1, 2));
  await settled();
  store.reads[1]?.done.resolve(entries(3, 3));
  await settled();

  expect(appendsOf(transport)).toEqual([[1, 2], [3]]);
});

test('an append never carries more bytes than it may, one huge entry aside', () => {
  const { runner, transport } = bench({ appendBytesMax: 100 });
  runner.run([persist(1, [...entries(1, 4, { bytes: 50 }), ...entries(5, 5, { bytes: 500 })])]);

  runner.run([sendEntries(1, 5)]);

  expect(appendsOf(transport)).toEqual([[1, 2], [3, 4], [5]]);
});

test('entries of a newer term are not sent in the name of an older one (R13)', async () => {
  const { runner, store, transport } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();

  runner.run([sendEntries(1, 3)]);
  store.reads[0]?.done.resolve(entries(1, 3, { term: 2 }));
  await settled();

  expect(transport.sent).toEqual([]);
});

test('a node that no longer leads drops what it was about to load', async () => {
  const made = bench({ cacheBytesMax: 1 });
  made.runner.run([persist(1, entries(1, 3))]);
  await made.store.finishWrite();
  made.runner.run([sendEntries(1, 3), sendEntries(2, 3)]);

  made.isCurrent = false;
  made.store.reads[0]?.done.reject(new Error('cut while it was read'));
  await settled();

  expect(made.transport.sent).toEqual([]);
  expect(made.store.reads).toHaveLength(1);
  expect(made.fatal).toEqual([]);
  expect(made.inputs).toEqual([{ kind: 'persisted', ioId: 1 }]);
});

test('a read that fails is reported, so that the leader probes again', async () => {
  const { runner, store, inputs, fatal } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();

  runner.run([sendEntries(1, 3)]);
  store.reads[0]?.done.reject(new OperationalError('LOG_STORE_COMPACTED', 'gone'));
  await settled();

  expect(inputs.at(-1)).toEqual({ kind: 'send-failed', peer: n2 });
  expect(fatal).toEqual([]);
});

test('a damaged record ends the node', async () => {
  const { runner, store, fatal } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();

  runner.run([sendEntries(1, 3)]);
  store.reads[0]?.done.reject(new OperationalError('LOG_STORE_CORRUPT', 'entry 2'));
  await settled();

  expect(fatal).toHaveLength(1);
});

test('a read for a caller joins what is on disk and what is only in memory', async () => {
  const { runner, store } = bench({ cacheBytesMax: 1 });
  runner.run([persist(1, entries(1, 3))]);
  await store.finishWrite();
  runner.run([persist(2, entries(4, 6))]);

  const found = runner.read({ first: logIndex(2), last: logIndex(6), bytesMax: 1000 });
  expect(store.reads[0]).toMatchObject({ first: 2, last: 3 });
  store.reads[0]?.done.resolve(entries(2, 3));

  expect(await found).toEqual(entries(2, 6));
});

test('everything that is no disk and no network is passed on in order', () => {
  const { runner, notices } = bench();
  const committed = { kind: 'committed', commitIndex: logIndex(3) } as const;
  const ready = { kind: 'read-ready', readId: 1, index: logIndex(3) } as const;

  runner.run([committed, ready]);

  expect(notices).toEqual([committed, ready]);
});

test('an observer hears what is durable, how long its write took, and of a commit before anything is sent', async () => {
  const heard: string[] = [];
  const clock = new FakeClock();
  const { runner, store, transport } = bench({
    clock,
    observer: {
      wrote: (durationMs) => heard.push(`wrote in ${durationMs}`),
      durable: (index) => heard.push(`durable ${index}`),
      committed: (index) => heard.push(`committed ${index}, ${transport.sent.length} sent`),
    },
  });

  runner.run([persist(1, entries(1, 2))]);
  clock.advance(5);
  await store.finishWrite();
  // A vote is a write too, and says nothing about entries.
  runner.run([persist(2)]);
  await store.finishWrite();
  runner.run([send(vote(1), null), { kind: 'committed', commitIndex: logIndex(2) }]);

  expect(heard).toEqual(['wrote in 5', 'durable 2', 'committed 2, 0 sent']);
  expect(transport.sent).toHaveLength(1);
});
