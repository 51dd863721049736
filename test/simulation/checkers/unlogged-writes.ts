import type { Simulation } from '../kernel/simulation.ts';
import type { Machine } from '../node/machine.ts';
import type { MysqldHost } from '../node/mysqld-host.ts';

const lookUs = 100_000;
/** Probes, statements and log writes may each have to be given up first; 200 ms are usual. */
const findUsMax = 30_000_000;

/** A server whose data holds what was written without its binlog. */
interface Unlogged {
  readonly machine: Machine;
  readonly program: MysqldHost['program'];
  readonly process: MysqldHost['process'];
  goodUs: number;
}

/**
 * H10: a server that wrote without its binlog never serves for long: its sidecar condemns it, unless the server or the sidecar dies before
 * it looks. Then nothing knows of it any more, as the README says; here an operator does, and takes its data away. G8 holds all
 * servers against the log in the end, so what nobody took away is found.
 */
export class UnloggedChecker {
  readonly #simulation: Simulation;
  readonly #machineOf: (host: MysqldHost) => Machine | undefined;
  readonly #open: Unlogged[] = [];
  #isExpected = false;
  #found = 0;
  #lost = 0;

  constructor(simulation: Simulation, machineOf: (host: MysqldHost) => Machine | undefined) {
    this.#simulation = simulation;
    this.#machineOf = machineOf;
  }

  get counts(): { readonly 'unlogged found': number; readonly 'unlogged lost': number } {
    return { 'unlogged found': this.#found, 'unlogged lost': this.#lost };
  }

  /** An administrator is about to do it. */
  expect(): void {
    this.#isExpected = true;
  }

  /** False when nobody was to write without a binlog. */
  wrote(host: MysqldHost): boolean {
    const machine = this.#machineOf(host);
    if (!this.#isExpected || machine === undefined) return false;
    const { program, process } = host;
    if (this.#open.every((one) => one.program !== program)) {
      const unlogged = { machine, program, process, goodUs: 0 };
      this.#open.push(unlogged);
      this.#lookLater(unlogged);
    }
    return true;
  }

  #lookLater(unlogged: Unlogged): void {
    this.#simulation.after(lookUs, () => this.#look(unlogged));
  }

  #look(unlogged: Unlogged): void {
    const { machine, program, process } = unlogged;
    const { mysqld, node } = machine;
    if (mysqld.program !== program) {
      this.#found += 1;
      return;
    }
    const isSameLife = mysqld.process === process && process !== null && !process.isDead;
    if (!isSameLife && !this.#isKnown(machine)) {
      this.#lost += 1;
      this.#simulation.log('operator', `${machine.id} is built anew by hand`, 'news');
      node?.process.kill('SIGKILL');
      mysqld.wipe();
      return;
    }
    const isGood = isSameLife && process?.state === 'running' && node?.process.state === 'running';
    unlogged.goodUs = isGood ? unlogged.goodUs + lookUs : 0;
    this.#simulation.check(
      unlogged.goodUs < findUsMax,
      'H10',
      () => `${machine.id} wrote without its binlog and serves on after ${findUsMax / 1000} ms`,
    );
    this.#lookLater(unlogged);
  }

  /** Is the verdict on disk, or in a sidecar that lives? */
  #isKnown({ mysqld, node }: Machine): boolean {
    if (mysqld.mark.text !== null) return true;
    const kind = node?.process.isDead === false ? node.bridge?.state.kind : undefined;
    return ['fencing', 'condemning', 'rebuilding', 'quarantined'].includes(kind ?? '');
  }
}
