import type { Simulation } from '../kernel/simulation.ts';
import type { SimNode } from '../node/sim-node.ts';

/**
 * Looked at whenever a gate was opened: under one term the gate of one node only is ever open, and a gate is open only while
 * its server is the primary of that term (G7, C8).
 */
export class GateChecker {
  readonly #simulation: Simulation;
  readonly #owners = new Map<number, string>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Terms under which a gate was opened. */
  get promotions(): number {
    return this.#owners.size;
  }

  /** Whose gate it was, term by term. */
  get owners(): readonly string[] {
    return [...this.#owners.values()];
  }

  look(node: SimNode): void {
    const term = node.openTerm;
    if (term === null) return;
    const owner = this.#owners.get(term);
    this.#simulation.check(
      owner === undefined || owner === node.id,
      'G7',
      () => `the gates of ${owner} and ${node.id} were both open under term ${term}`,
    );
    this.#owners.set(term, node.id);
    const state = node.bridge?.state;
    const isWritable = state !== undefined && 'term' in state && state.kind !== 'catching-up';
    this.#simulation.check(
      isWritable && state.term === term,
      'G7',
      () => `${node.id} is ${state?.kind}, with a gate open under term ${term}`,
    );
  }
}
