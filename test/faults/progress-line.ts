import type { LeaderWatch } from './leader-watch.ts';
import type { FaultEvent } from './site.ts';

export interface ProgressSources {
  /** `performance.now()` of the planned end. */
  readonly endMs: number;
  /** Grows while the line is shown. */
  readonly events: readonly FaultEvent[];
  readonly watch: Pick<LeaderWatch, 'latest'>;
  counts(): { readonly ok: number; readonly failed: number; readonly unknown: number };
}

/** On a terminal the line is drawn over itself; elsewhere a new one now and then. */
const terminalMs = 1000;
const fileMs = 10_000;

/** Time left, operations per second, which faults are on, who leads. */
export class ProgressLine implements Disposable {
  readonly #sources: ProgressSources;
  readonly #isTerminal: boolean = process.stdout.isTTY === true;
  readonly #timer: NodeJS.Timeout;
  #last: {
    readonly atMs: number;
    readonly ok: number;
    readonly failed: number;
    readonly unknown: number;
  };

  constructor(sources: ProgressSources) {
    this.#sources = sources;
    this.#last = { atMs: performance.now(), ...sources.counts() };
    this.#timer = setInterval(() => this.#draw(), this.#isTerminal ? terminalMs : fileMs);
  }

  /** A line that stays, above the one that is drawn again. */
  line(text: string): void {
    process.stdout.write(this.#isTerminal ? `\r\u001b[K${text}\n` : `${text}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #draw(): void {
    const { endMs, counts, events, watch } = this.#sources;
    const now = { atMs: performance.now(), ...counts() };
    const last = this.#last;
    this.#last = now;
    const seconds = (now.atMs - last.atMs) / 1000;
    const rate = (name: 'ok' | 'failed' | 'unknown'): string =>
      ((now[name] - last[name]) / seconds).toFixed(name === 'ok' ? 0 : 1);
    const left = Math.max(0, Math.round((endMs - now.atMs) / 1000));
    const { latest } = watch;
    const text = [
      `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')} left`,
      `ops/s ${rate('ok')} ok ${rate('failed')} fail ${rate('unknown')} unknown`,
      faultsOn(events) || 'no fault',
      latest?.leader == null ? 'nobody leads' : `${latest.leader} leads, term ${latest.term}`,
    ].join('  ');
    if (this.#isTerminal)
      process.stdout.write(`\r\u001b[K${text.slice(0, (process.stdout.columns || 80) - 1)}`);
    else process.stdout.write(`${text}\n`);
  }
}

function faultsOn(events: readonly FaultEvent[]): string {
  const ended = new Set(events.flatMap(({ fault, phase }) => (phase === 'end' ? [fault] : [])));
  return events
    .filter(({ fault, phase }) => phase === 'begin' && !ended.has(fault))
    .map(({ nemesis, variant }) => `${nemesis} ${variant}`)
    .join(' + ');
}
