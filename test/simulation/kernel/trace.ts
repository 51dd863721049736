/** `news` is what a person wants of a long run: faults, elections, starts and ends. `event` is everything else. */
export type TraceLevel = 'news' | 'event';

export interface TraceOptions {
  /** The newest lines that are kept; 0 keeps none, and only the hash grows. */
  readonly linesMax: number;
  /** Lines below this level are hashed but not kept. */
  readonly level: TraceLevel;
  /** Told of each kept line at once, for runs that are watched. */
  readonly onLine?: (line: string) => void;
}

const defaultOptions: TraceOptions = { linesMax: 2000, level: 'event' };

/**
 * What happened, one compact line each: moment in seconds, who, what. The hash covers every line ever written, whatever is
 * kept of them: two runs are the same run if and only if their hashes are equal.
 */
export class Trace {
  readonly #options: TraceOptions;
  /** A ring: the oldest line is overwritten once it is full. */
  readonly #lines: string[] = [];
  #next = 0;
  #count = 0;
  // Two hashes of 32 bits: one alone would collide somewhere in a long night of runs.
  #low = 0x811c9dc5;
  #high = 0x1b873593;

  constructor(options: Partial<TraceOptions> = {}) {
    this.#options = { ...defaultOptions, ...options };
  }

  /** Lines written, kept or not. */
  get count(): number {
    return this.#count;
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    const digits = [this.#high, this.#low].map((half) => (half >>> 0).toString(16));
    return digits.map((half) => half.padStart(8, '0')).join('');
  }

  /** `who` is a process, a host, or an area such as `net`; `what` begins with a short verb. */
  write(
    nowUs: number,
    line: { readonly level: TraceLevel; readonly who: string; what: string },
  ): void {
    this.#count += 1;
    this.#absorb(nowUs, line.who, line.what);
    const isKept = line.level === 'news' || this.#options.level === 'event';
    if (isKept) this.#keep(`${secondsOf(nowUs)} ${line.who} ${line.what}`);
  }

  /** The kept lines, oldest first. */
  lines(): string[] {
    if (this.#lines.length < this.#options.linesMax) return [...this.#lines];
    return [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
  }

  #keep(text: string): void {
    const { linesMax, onLine } = this.#options;
    onLine?.(text);
    if (linesMax === 0) return;
    this.#lines[this.#next] = text;
    this.#next = (this.#next + 1) % linesMax;
  }

  #absorb(nowUs: number, who: string, what: string): void {
    let low = Math.imul(this.#low ^ (nowUs | 0), 0x01000193);
    let high = Math.imul(this.#high ^ Math.floor(nowUs / 0x1_0000_0000), 0xcc9e2d51);
    for (const text of [who, what]) {
      for (let place = 0; place < text.length; place += 1) {
        const code = text.charCodeAt(place);
        low = Math.imul(low ^ code, 0x01000193);
        high = Math.imul(high ^ code, 0xcc9e2d51);
        high = (high << 13) | (high >>> 19);
      }
      low = Math.imul(low ^ 0x1f, 0x01000193);
    }
    this.#low = low;
    this.#high = high;
  }
}

/** Seconds with microseconds, aligned up to a quarter of an hour: `  12.345678`. */
export function secondsOf(us: number): string {
  const whole = Math.floor(us / 1_000_000);
  const rest = us - whole * 1_000_000;
  return `${String(whole).padStart(4)}.${String(rest).padStart(6, '0')}`;
}
