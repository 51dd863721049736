import type { SimStatement } from '../mysql/statements.ts';
import { type FaultTable, strikeOf } from './fault-table.ts';
import type { Machine } from './machine.ts';

interface AdminFaultContext {
  readonly machine: Machine;
  readonly nowUs: number;
  /** Sends these in a root session on the machine's socket. */
  asRoot(machine: Machine, statements: readonly SimStatement[]): void;
}

/** What an administrator does on the socket of one server that no GTID tells of (HAZARDS N8, H10). */
const faultsByKind: FaultTable<AdminFaultContext> = {
  'unlogged-write': ({ machine, nowUs, asRoot }) =>
    asRoot(machine, [
      { kind: 'set-global', settings: { readOnly: false } },
      { kind: 'set-log-bin', isOn: false },
      {
        kind: 'write',
        table: 'schema',
        changes: [{ kind: 'put', key: 'unlogged', value: `unlogged ${nowUs}` }],
      },
    ]),
};

export const adminFaultKinds: readonly string[] = Object.keys(faultsByKind);

/** Carries out what an administrator does; false for any other fault. */
export function strikeAsAdmin(kind: string, context: AdminFaultContext): boolean {
  return strikeOf(faultsByKind, kind, context);
}
