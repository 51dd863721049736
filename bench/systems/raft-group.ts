import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackgroundProcess } from '../background-process.ts';
import type { BenchMemberSettings } from '../raft-member.ts';
import type { PutMember, PutSystem, PutTurn } from './put-system.ts';

const program = fileURLToPath(new URL('../raft-member.ts', import.meta.url));

export interface RaftGroupOptions {
  readonly count: number;
  /** Raft timeouts are drawn from it: another one in each round. */
  readonly seed: number;
}

/** Members of our Raft alone: the log store on this disk, gRPC between them, timings as by default, no MySQL. */
export async function startRaftGroup(
  turn: PutTurn,
  options: RaftGroupOptions = { count: 3, seed: turn.round },
): Promise<PutSystem> {
  await using started = new AsyncDisposableStack();
  const numbers = Array.from({ length: options.count }, (_, place) => place + 1);
  const outcomes = await Promise.allSettled(
    numbers.map((number) => startMember(turn, { numbers, number, seed: options.seed })),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') started.use(outcome.value.process);
  }
  const members = outcomes.map((outcome): PutMember => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return { pid: outcome.value.process.pid, port: outcome.value.port };
  });
  const processes = started.move();
  return { members, [Symbol.asyncDispose]: () => processes.disposeAsync() };
}

async function startMember(
  turn: PutTurn,
  member: {
    readonly numbers: readonly number[];
    readonly number: number;
    readonly seed: number;
  },
): Promise<{ readonly process: BackgroundProcess; readonly port: number }> {
  const { number, numbers, seed } = member;
  const { mysql: port } = turn.ports.server(number);
  const id = `n${number}`;
  const settings: BenchMemberSettings = {
    id,
    directory: join(turn.folder, id),
    ports: Object.fromEntries(numbers.map((each) => [`n${each}`, turn.ports.server(each).group])),
    clientPort: port,
    seed: seed * 100 + number * 10,
  };
  const started = await BackgroundProcess.start(turn, {
    command: [process.execPath, program, JSON.stringify(settings)],
    logPath: join(turn.folder, `${id}.log`),
    port,
  });
  return { process: started, port };
}
