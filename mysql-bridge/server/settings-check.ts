import type { MySqlVersion } from './mysql-version.ts';
import { type CheckedRole, requiredSettings } from './required-settings.ts';

/** One setting that is not what it must be. */
export interface SettingFault {
  readonly name: string;
  /** What the server has; null when it does not know the setting at all. */
  readonly value: string | null;
  readonly allowed: string;
}

/**
 * What is wrong with a running server's settings (HAZARDS H9, H10, H13). Run when it starts, and every few seconds while it
 * runs: an administrator on the local socket can change any of them.
 */
export function checkSettings(facts: {
  /** SHOW GLOBAL VARIABLES. */
  readonly variables: ReadonlyMap<string, string>;
  readonly role: CheckedRole;
  readonly version: MySqlVersion;
}): readonly SettingFault[] {
  return requiredSettings(facts.version).flatMap(({ name, isSafe, allowed }) => {
    const value = facts.variables.get(name) ?? null;
    return value !== null && isSafe(value, facts.role) ? [] : [{ name, value, allowed }];
  });
}

/** What the semisync plugin counts, as far as it tells of a bypassed gate. */
export interface GateStatus {
  /** Whether the source waits at all: it turns itself OFF when a wait has timed out. */
  readonly isWaiting: boolean;
  /** Semisync replicas attached; more than the bridge alone could acknowledge for it. */
  readonly clients: number;
  /** Transactions released without an acknowledgement since the server started (`no_tx`). */
  readonly unacknowledged: number;
}

/** All that is asked of it, from SHOW GLOBAL STATUS. */
export interface SemisyncStatus extends GateStatus {
  readonly waitingSessions: number;
}

/**
 * What is wrong with the commit gate of a server the bridge is attached to (HAZARDS G7, H9, H11): it waits, for the bridge
 * alone, and has let nothing through since the process started.
 */
export function checkSemisync(status: GateStatus): readonly SettingFault[] {
  const facts = [
    ['Rpl_semi_sync_source_status', status.isWaiting ? 'ON' : 'OFF', 'ON'],
    ['Rpl_semi_sync_source_clients', String(status.clients), '1'],
    ['Rpl_semi_sync_source_no_tx', String(status.unacknowledged), '0'],
  ] as const;
  return facts.flatMap(([name, value, allowed]) =>
    value === allowed ? [] : [{ name, value, allowed }],
  );
}

/**
 * Which of these mean that a commit may be in the engine without our acknowledgement (HAZARDS H9, H10). Then cutting the
 * binlog no longer takes it back, and the server's data cannot be trusted. No client at all is none of them: everything waits.
 */
export function checkBypass(status: GateStatus, waitPoint: string): readonly SettingFault[] {
  const ofGate = checkSemisync({ ...status, clients: Math.max(1, status.clients) });
  const name = 'rpl_semi_sync_source_wait_point';
  const allowed = 'AFTER_SYNC';
  return waitPoint === allowed ? ofGate : [...ofGate, { name, value: waitPoint, allowed }];
}

/** `binlog_format is STATEMENT, allowed: ROW; …` */
export function formatFaults(faults: readonly SettingFault[]): string {
  return faults
    .map(
      ({ name, value, allowed }) => `${name} is ${value ?? 'missing'}, allowed: ${allowed || "''"}`,
    )
    .join('; ');
}
