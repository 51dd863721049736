import { assert } from '../../../base/assert.ts';
import type { Clock } from '../../../base/clock.ts';
import { SimClock } from './sim-clock.ts';
import type { SimHost } from './sim-host.ts';
import type { Simulation } from './simulation.ts';

export type ProcessState = 'running' | 'paused' | 'dead';

/** What a stopped process finds when it goes on; what comes beyond is lost, as in a socket buffer that is full. */
const heldMax = 10_000;

/**
 * One life of one program on one host. A restart is a new `SimProcess` of the same name, made by `Processes.start`.
 *
 * Everything that comes to a process (timers, messages, ends of disk writes) comes through `enter`; everything that
 * leaves it asks `act` first. So a dead process can neither be reached nor do anything, although its code, and the promises it
 * waits for, are still in memory.
 */
export class SimProcess {
  /** `n1/sidecar`: host and role. */
  readonly name: string;
  readonly host: SimHost;
  readonly simulation: Simulation;
  /** 1 for the first process of this name, one more for each restart. */
  readonly incarnation: number;
  readonly clock: Clock;
  readonly #enders = new Set<() => void>();
  readonly #held: (() => void)[] = [];
  #heldTimers: (() => void)[] = [];
  /** What the process was given when it went on, and has not come to yet. */
  #unread = 0;
  #state: ProcessState = 'running';
  #actsLeft = Infinity;

  constructor(options: {
    readonly simulation: Simulation;
    readonly host: SimHost;
    readonly role: string;
    readonly incarnation: number;
  }) {
    this.simulation = options.simulation;
    this.host = options.host;
    this.name = `${options.host.name}/${options.role}`;
    this.incarnation = options.incarnation;
    this.clock = new SimClock(this);
  }

  get state(): ProcessState {
    return this.#state;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** Runs `callback` in this process: now, when it goes on if it is stopped, never if it is dead; not before what came earlier. */
  enter(callback: () => void): void {
    if (this.#unread > 0) this.#readLater(callback);
    else this.#read(callback);
  }

  /** As `enter`, for timers: an event loop looks at them before it looks at its sockets. */
  enterTimer(callback: () => void): void {
    if (this.#state === 'paused') this.#heldTimers.push(callback);
    else if (this.#state === 'running') callback();
  }

  /**
   * Whether the process may do something that others can see: send, write, start a child. A process that is to die at its
   * n-th act dies here, between two acts of what it takes to be one go.
   */
  act(): boolean {
    if (this.#state === 'dead') return false;
    if (this.#actsLeft === 0) {
      this.kill('in the middle of a step');
      return false;
    }
    this.#actsLeft -= 1;
    return true;
  }

  /** It dies instead of doing its act number `acts + 1` from now on. */
  dieAfterActs(acts: number): void {
    assert(acts >= 0, `${acts} acts are none`);
    this.#actsLeft = acts;
  }

  /** Called once, when the process dies, in the order of the calls; at once if it is dead. Returns the unsubscribe. */
  onDeath(callback: () => void): () => void {
    if (this.#state === 'dead') callback();
    else this.#enders.add(callback);
    return () => this.#enders.delete(callback);
  }

  /** SIGKILL, or a process that exits: what is in memory is gone, connections break, disks forget what is not synced. */
  kill(reason: string): void {
    if (this.#state === 'dead') return;
    this.simulation.log(this.name, `dead ${reason}`, 'news');
    this.#state = 'dead';
    this.#held.length = 0;
    this.#heldTimers = [];
    const enders = [...this.#enders];
    this.#enders.clear();
    for (const ender of enders) ender();
  }

  /** SIGSTOP. Its clock goes on, its sockets fill. */
  pause(): void {
    if (this.#state !== 'running') return;
    this.simulation.log(this.name, 'paused', 'news');
    this.#state = 'paused';
  }

  /** SIGCONT: each timer that is due fires once, then what came meanwhile is read, each as an event of its own. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.simulation.log(this.name, 'resumed', 'news');
    this.#state = 'running';
    const waiting = [...this.#heldTimers, ...this.#held.splice(0)];
    this.#heldTimers = [];
    for (const callback of waiting) this.#readLater(callback);
  }

  /** After what now waits on the sockets was read: what the event loop's own turns are to a real process. */
  afterPendingIo(callback: () => void): void {
    this.simulation.after(1, () => this.enter(callback));
  }

  log(what: string): void {
    this.simulation.log(this.name, what);
  }

  #read(callback: () => void): void {
    if (this.#state === 'running') callback();
    else if (this.#state === 'paused' && this.#held.length < heldMax) this.#held.push(callback);
  }

  /** Behind all that is unread. Paused again by then: it waits again. */
  #readLater(callback: () => void): void {
    this.#unread += 1;
    this.simulation.after(0, () => {
      this.#unread -= 1;
      this.#read(callback);
    });
  }
}

/** Which program runs where: by name, the life that is not over. */
export class Processes {
  readonly #simulation: Simulation;
  readonly #alive = new Map<string, SimProcess>();
  readonly #incarnations = new Map<string, number>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Starts the program `role` on the host; its process of before must be dead. */
  start(host: SimHost, role: string): SimProcess {
    const name = `${host.name}/${role}`;
    assert(!this.#alive.has(name), `${name} runs already`);
    const incarnation = (this.#incarnations.get(name) ?? 0) + 1;
    this.#incarnations.set(name, incarnation);
    const created = new SimProcess({ simulation: this.#simulation, host, role, incarnation });
    this.#alive.set(name, created);
    created.onDeath(() => this.#alive.delete(name));
    this.#simulation.log(name, `start #${incarnation}`, 'news');
    return created;
  }

  /** Running or paused; null when it is dead or was never started. */
  find(name: string): SimProcess | null {
    return this.#alive.get(name) ?? null;
  }
}

/** The host in the name of a process. */
export function hostOf(processName: string): string {
  const slash = processName.indexOf('/');
  return slash === -1 ? processName : processName.slice(0, slash);
}
