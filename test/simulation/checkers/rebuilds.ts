import type { RoleState } from '../../../mysql-bridge/role/role-types.ts';
import type { Simulation } from '../kernel/simulation.ts';

/** What an administrator did past the sidecar, after which a server may hold what the log does not. */
export const rebuildCauses: readonly string[] = [
  'errant-write',
  'polite-shutdown',
  'reset-binlog',
  'shutdown-while-hung',
  'unlogged-write',
];

/**
 * A server is thrown away and built anew only if somebody tampered with one: crashes, pauses, cuts and power failures alone never
 * leave errant data (H26), and a bridge that cries wolf turns each of them into hours of copying. Nor does a replica ever meet
 * a transaction that its data does not fit (G6): a restart would hide it.
 */
export class RebuildChecker {
  readonly #simulation: Simulation;
  #wasTampered = false;
  #count = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get count(): number {
    return this.#count;
  }

  struck(fault: string): void {
    if (rebuildCauses.includes(fault)) this.#wasTampered = true;
  }

  applierFailed(server: string, error: string): void {
    this.#simulation.check(
      this.#wasTampered,
      'G6',
      () => `${server} cannot apply what the log holds although nobody tampered with it: ${error}`,
    );
  }

  changed(node: string, state: RoleState, reason: string): void {
    if (state.kind !== 'rebuilding' && state.kind !== 'quarantined') return;
    this.#count += 1;
    this.#simulation.check(
      this.#wasTampered,
      'G5',
      () => `${node} is ${state.kind} although nobody tampered with a server: ${reason}`,
    );
  }
}
