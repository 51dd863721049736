import { lifeOf } from '../../support/processes.ts';

/** Names a run and everything it makes outside its folder, so that a later run can tell whether it is still alive. */
export interface RunIdentity {
  /** `binraft-<process id>-<start of the process>`. */
  readonly name: string;
  readonly pid: number;
  readonly startedAt: string;
}

const pattern = /^binraft-(\d+)-(\d+)(?:-|$)/;

/** Of this process. */
export function ownIdentity(): RunIdentity {
  const { pid, startedAt } = lifeOf(process.pid);
  return { name: `binraft-${pid}-${startedAt}`, pid, startedAt };
}

/** Whose thing that is, by its name; null when it is none of ours. */
export function identityIn(name: string): RunIdentity | null {
  const [, pid, startedAt] = pattern.exec(name) ?? [];
  if (pid === undefined || startedAt === undefined) return null;
  return { name: `binraft-${pid}-${startedAt}`, pid: Number(pid), startedAt };
}

/** Another process may have its number by now, which started at another time. */
export function isAlive({ pid, startedAt }: RunIdentity): boolean {
  return lifeOf(pid).startedAt === startedAt;
}
