import { after, type Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import { messageOf } from '../base/errors.ts';
import { endOnAssertion } from '../base/fatal.ts';
import { askUnpaused } from './ask-unpaused.ts';
import type { ServerAdmin } from './bridge-parts.ts';
import { unloggedWrite } from './role/unlogged-writes.ts';

/** What the monitor sees; the bridge turns it into facts for the role machine. */
export interface MonitorEvents {
  onUnresponsive(reason: string): void;
  onUnsafe(reason: string): void;
  /** Commits may have passed without our ack: what the server holds cannot be trusted any more. */
  onBypassed(reason: string): Promise<void>;
  /** A session turned its binlog off: what the server holds cannot be trusted any more, and no GTID tells why. */
  onUnlogged(reason: string): void;
  /** Every round, while connected: look for errant transactions and how far the server is. */
  onRound(): Promise<void>;
  onReplicaFaults(faults: readonly string[]): void;
}

const roundMs = 200;
/** Questions are answered in a fraction of this. Who answers one of them is there, and is probed only after a longer silence. */
const silenceMs = 100;
/** Settings are looked at every this many rounds. */
const settingsRounds = 10;

/**
 * Watches a running server on the reserved connection: does it answer, is every setting as it must be, is replication in
 * order. One loop, one round at a time; stops when told.
 */
export class ServerMonitor {
  readonly #clock: Clock;
  readonly #events: MonitorEvents;
  readonly #probeTimeoutMs: number;
  readonly #stop = new AbortController();

  constructor(options: {
    readonly clock: Clock;
    readonly events: MonitorEvents;
    readonly probeTimeoutMs: number;
  }) {
    this.#clock = options.clock;
    this.#events = options.events;
    this.#probeTimeoutMs = options.probeTimeoutMs;
  }

  /** Runs until stopped; `admin` is asked for each round, null skips it. */
  async run(admin: () => ServerAdmin | null): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round += 1) {
      const connected = admin();
      if (connected !== null) await this.#round(connected, round, admin);
      await this.#clock.delay(roundMs, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #round(
    connected: ServerAdmin,
    round: number,
    admin: () => ServerAdmin | null,
  ): Promise<void> {
    // The server may be killed or replaced while a question is under way: an answer about an old one means nothing.
    const isCurrent = (): boolean => admin() === connected && !this.#stop.signal.aborted;
    const asked = connected.bypasses();
    if (!(await this.#isAnsweredSoon(asked)) && !(await this.#answers(connected))) {
      if (isCurrent())
        this.#events.onUnresponsive(`mysqld did not answer for ${this.#probeTimeoutMs} ms`);
      return;
    }
    try {
      const { gate, traces } = await asked;
      const unlogged = unloggedWrite(traces);
      if (isCurrent() && unlogged !== null) return this.#events.onUnlogged(unlogged);
      if (isCurrent() && gate.length > 0) return await this.#events.onBypassed(gate.join('; '));
      if (isCurrent()) await this.#events.onRound();
      if (isCurrent() && round % settingsRounds === 0)
        await this.#checkSettings(connected, isCurrent);
    } catch (thrown) {
      endOnAssertion(thrown);
      if (isCurrent()) this.#events.onReplicaFaults([`monitoring failed: ${messageOf(thrown)}`]);
    }
  }

  /** False when the answer is an error, or not there yet. */
  #isAnsweredSoon(asked: Promise<unknown>): Promise<boolean> {
    const { promise, resolve } = deferred<boolean>();
    const stop = after(this.#clock, silenceMs, () => resolve(false));
    asked
      .then(
        () => resolve(true),
        () => resolve(false),
      )
      .finally(stop);
    return promise;
  }

  #answers(admin: ServerAdmin): Promise<boolean> {
    return askUnpaused({
      clock: this.#clock,
      timeoutMs: this.#probeTimeoutMs,
      ask: (timeoutMs) => admin.probe(timeoutMs),
      isGood: (hasAnswered) => hasAnswered,
    });
  }

  async #checkSettings(admin: ServerAdmin, isCurrent: () => boolean): Promise<void> {
    const settings = await admin.settingsFaults();
    const semisync = await admin.semisyncFaults();
    const faults = [...settings, ...semisync];
    if (faults.length > 0) {
      // Whoever lifts a server's protection may have written without its binlog since: the fence would kill what remembers it.
      const { gate, traces } = await admin.bypasses();
      const unlogged = unloggedWrite(traces);
      if (isCurrent() && unlogged !== null) return this.#events.onUnlogged(unlogged);
      const bypasses = gate.length > 0 ? gate : await this.#bypassesBehind(admin, semisync);
      if (!isCurrent()) return;
      if (bypasses.length > 0) await this.#events.onBypassed(bypasses.join('; '));
      else this.#events.onUnsafe(faults.join('; '));
      return;
    }
    const replicaFaults = await admin.replicaFaults();
    if (isCurrent()) this.#events.onReplicaFaults(replicaFaults);
  }

  /**
   * What was wrong now and not when the round began may have let commits through meanwhile: a fence takes those back from the binlog and not
   * from the engine. Only that nobody is attached lets nothing through, and that does not pass while it is looked at.
   */
  async #bypassesBehind(
    admin: ServerAdmin,
    semisync: readonly string[],
  ): Promise<readonly string[]> {
    if (semisync.length === 0) return [];
    const again = await admin.semisyncFaults();
    return again.length === 0 ? semisync : [];
  }
}
