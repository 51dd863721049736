import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { youngGenerationFlags } from '../../cli/heap-growth.ts';
import { BackgroundProcess } from '../background-process.ts';
import type { BenchMemberSettings } from '../member-settings.ts';
import { type PutSystem, type PutTurn, type StartedMember, startMembers } from './put-system.ts';

const raftMember = fileURLToPath(new URL('../raft-member.ts', import.meta.url));

export interface RaftGroupOptions {
  readonly count: number;
  /** Raft timeouts are drawn from it: another one in each round. */
  readonly seed: number;
}

/** Members of our Raft alone: the log store on this disk, TCP between them, timings as by default, no MySQL. */
export async function startRaftGroup(
  turn: PutTurn,
  options: RaftGroupOptions = { count: 3, seed: turn.round },
): Promise<PutSystem> {
  return await startMembers(options.count, (number) =>
    startRaftMember(turn, { ...options, number }),
  );
}

/** One of the members, on what is in its folder. Settles when it listens to clients; whether the others are there is all the same. */
export async function startRaftMember(
  turn: PutTurn,
  options: RaftGroupOptions & { readonly number: number },
): Promise<StartedMember> {
  return await startNodeMember(turn, { ...options, program: raftMember });
}

/** A process of this Node that is a member, run as our nodes are. */
export async function startNodeMember(
  turn: PutTurn,
  options: RaftGroupOptions & { readonly number: number; readonly program: string },
): Promise<StartedMember> {
  const { number, count, seed } = options;
  const { mysql: port } = turn.ports.server(number);
  const id = `n${number}`;
  const all = Array.from({ length: count }, (_, place) => place + 1);
  const settings: BenchMemberSettings = {
    id,
    directory: join(turn.folder, id),
    ports: Object.fromEntries(all.map((each) => [`n${each}`, turn.ports.server(each).group])),
    clientPort: port,
    seed: seed * 100 + number * 10,
  };
  const started = await BackgroundProcess.start(turn, {
    command: [process.execPath, ...youngGenerationFlags, options.program, JSON.stringify(settings)],
    logPath: join(turn.folder, `${id}.log`),
    port,
  });
  return {
    pid: started.pid,
    port,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
