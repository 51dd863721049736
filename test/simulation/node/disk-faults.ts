import { type FaultTable, strikeOf } from './fault-table.ts';
import type { Machine } from './machine.ts';

interface DiskFaultContext {
  readonly machine: Machine;
  readonly nowUs: number;
  readonly forUs: number;
}

/** Longer than a node waits for the disk of its server before it gives it up, now and then. */
const hangUsMin = 4_000_000;

/** What befalls the disk of a server alone, while its node's log takes every write (HAZARDS N7, R11). */
const faultsByKind: FaultTable<DiskFaultContext> = {
  'hang-mysqld-disk': ({ machine, nowUs, forUs }) =>
    machine.mysqld.hangDiskUntil(nowUs + hangUsMin + forUs),
};

export const diskFaultKinds: readonly string[] = Object.keys(faultsByKind);

/** Carries out what is a fault of a server's disk; false for any other fault. */
export function strikeServerDisk(kind: string, context: DiskFaultContext): boolean {
  return strikeOf(faultsByKind, kind, context);
}
