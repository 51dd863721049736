import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../base/random.ts';
import { openLevelLogStore } from '../../log-store/index.ts';
import { nodeId } from '../../raft/core/types.ts';
import type { LogStore } from '../../raft/log-store.ts';
import { levelOptions, readAll, temporaryDirectory } from '../log-store/support.ts';
import { killPayload } from './log-store-kill-writer.ts';

// Goal: nothing that was reported durable is missing after `kill -9` (HAZARDS N3, R1, I7, I8). Method: a child process writes
// appends, truncations, compactions and votes, and says on a pipe what it asked for and what it was told is durable. It is
// killed at a random moment; then the log must be exactly the state after some number of the asked writes, at least as
// many as were reported. The next child goes on with the same log.

/** Each costs the start of a process; LOG_STORE_KILLS=200 is the long form. */
const kills = Number(process.env['LOG_STORE_KILLS'] ?? 60);
const seed = Number(process.env['LOG_STORE_SEED'] ?? 1);

interface Asked {
  readonly from: number;
  readonly last: number;
  readonly term: number;
  readonly behind: { readonly term: number; readonly index: number } | null;
}

/** The log as the writer's reports describe it: what it begins behind, the term of each entry, and the current term. */
interface ExpectedLog {
  base: { readonly term: number; readonly index: number };
  terms: readonly number[];
  term: number;
}

test(`a log killed ${kills} times holds all that was reported durable (seed ${seed})`, async () => {
  await using directory = await temporaryDirectory();
  const random = new SeededRandom(seed);
  let expected: ExpectedLog = { base: { term: 0, index: 0 }, terms: [], term: 0 };
  let reportedTotal = 0;

  for (let round = 0; round < kills; round += 1) {
    const { asked, durableCount } = await runAndKill(directory.path, random);
    reportedTotal += durableCount;
    const store = await openLevelLogStore({
      ...levelOptions(directory.path),
      clusterId: 'kill-test',
    });
    expected = await matchingState(store, expected, { asked, durableCount });
    await store.close();
  }

  // A test in which nothing was written before the kill would show nothing.
  expect(reportedTotal).toBeGreaterThan(kills * 5);
});

/** The state after one of the prefixes of what was asked, not shorter than what was reported. */
async function matchingState(
  store: LogStore,
  before: ExpectedLog,
  run: { readonly asked: readonly Asked[]; readonly durableCount: number },
): Promise<ExpectedLog> {
  const { opened } = store;
  const found = await readAll(store, opened.firstIndex, opened.lastIndex);
  const terms = found.map((entry) => entry.term as number);
  for (const entry of found) {
    const isWhole = Buffer.compare(entry.payload, killPayload(entry.term, entry.index)) === 0;
    expect(isWhole, `payload of entry ${entry.index}`).toBe(true);
  }
  let state = before;
  const candidates: ExpectedLog[] = [];
  for (const [position, one] of run.asked.entries()) {
    if (position >= run.durableCount) candidates.push(state);
    state = after(state, one);
  }
  candidates.push(state);
  const match = candidates.find(
    (candidate) =>
      candidate.term === opened.hardState.term &&
      candidate.terms.join() === terms.join() &&
      candidate.base.index === opened.firstIndex - 1 &&
      candidate.base.term === (opened.snapshot?.last.term ?? 0),
  );
  const context = `${run.durableCount} of ${run.asked.length} writes reported durable, found term ${opened.hardState.term}, ${opened.firstIndex}..${opened.lastIndex}`;
  expect(match, context).toBeDefined();
  if (match !== undefined && match.term > 0) {
    expect(opened.hardState.votedFor).toBe(nodeId(`n${1 + (match.term % 3)}`));
  }
  return match ?? state;
}

function after(state: ExpectedLog, asked: Asked): ExpectedLog {
  const added = Array.from({ length: asked.last - asked.from + 1 }, () => asked.term);
  const { base } = state;
  const left = state.terms.slice(0, asked.from - 1 - base.index);
  const behind = asked.behind ?? base;
  const terms = [...left.slice(behind.index - base.index), ...added];
  return { base: behind, terms, term: asked.term };
}

/** Lets a writer run until it has reported a random number of writes, then kills it. */
async function runAndKill(
  directory: string,
  random: SeededRandom,
): Promise<{ readonly asked: Asked[]; readonly durableCount: number }> {
  const script = new URL('./log-store-kill-writer.ts', import.meta.url).pathname;
  const writer = spawn(process.execPath, [script, directory, String(random.below(1, 1e9))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => {
    writer.once('exit', (_code, signal) => resolve(signal));
  });
  const asked: Asked[] = [];
  let durableCount = 0;
  const killAfter = random.below(0, 40);
  for await (const line of createInterface({ input: writer.stdout })) {
    const [word, json = ''] = line.split(/ (.*)/);
    if (word === 'asked') asked.push(JSON.parse(json) as Asked);
    if (word === 'durable') durableCount += 1;
    if (durableCount >= killAfter && !writer.killed) {
      // Not at a report, but somewhere between two of them: the child runs on while this one waits its turn.
      setTimeout(() => writer.kill('SIGKILL'), random.below(0, 3));
    }
  }
  expect(await exited).toBe('SIGKILL');
  return { asked, durableCount };
}
