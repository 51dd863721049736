import type { Simulation } from '../kernel/simulation.ts';
import type { StatementObserver } from '../node/sql-front.ts';
import type { ClientStatement } from '../node/sql-wire.ts';

/** C9: what a client sent once reaches one server, once. Nothing between them repeats a statement. */
export class SingleExecutionChecker implements StatementObserver {
  readonly #simulation: Simulation;
  readonly #seen = new Set<number>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get count(): number {
    return this.#seen.size;
  }

  received(server: string, { op, statement }: ClientStatement): void {
    this.#simulation.check(
      !this.#seen.has(op),
      'C9',
      () => `${server} was given statement ${op} (${statement.kind}) a second time`,
    );
    this.#seen.add(op);
  }
}
