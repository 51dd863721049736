import { ResponseHeader } from '../../mysql-bridge/protocol/constants.ts';
import type { ResponseShape } from './command-table.ts';
import { PacketWalker } from './packet-walker.ts';
import { ResponseTracker } from './response-tracker.ts';

/** What the server sends in a session after its greeting: where each response ends, and what of it is held. */
export class ResponseStream {
  readonly #walker = new PacketWalker();
  readonly #tracker: ResponseTracker;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isReleased = false;
  #hasFarewell = false;

  /** `capabilities`: those that both sides have. */
  constructor(capabilities: number) {
    this.#tracker = new ResponseTracker(capabilities);
  }

  /** Something of the current response has gone to the client, so the rest may follow. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** All of the current response has arrived. */
  get isAnswered(): boolean {
    return this.#tracker.isDone && this.#walker.isAtBoundary;
  }

  /** What has arrived ends behind a whole packet. */
  get isAtBoundary(): boolean {
    return this.#walker.isAtBoundary;
  }

  /** The server has sent an ERR that nobody asked for, as it does before it closes a connection. */
  get hasFarewell(): boolean {
    return this.#hasFarewell;
  }

  get hasFailed(): boolean {
    return this.#tracker.hasFailed;
  }

  get hasCursor(): boolean {
    return this.#tracker.hasCursor;
  }

  get inTransaction(): boolean {
    return this.#tracker.inTransaction;
  }

  get wantsFile(): boolean {
    return this.#tracker.wantsFile;
  }

  get isLogin(): boolean {
    return this.#tracker.isLogin;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Sequence number of the server's latest wire packet. */
  get sequence(): number {
    return this.#walker.sequence;
  }

  begin(shape: ResponseShape): void {
    this.#tracker.begin(shape);
    this.#isReleased = false;
  }

  expectOkBehindColumns(): void {
    this.#tracker.expectOkBehindColumns();
  }

  fileSent(): void {
    this.#tracker.fileSent();
  }

  /** Looks at what has arrived. False when it is no response to the current command. */
  follow(bytes: Uint8Array): boolean {
    const walker = this.#walker;
    walker.load(bytes);
    while (walker.next()) {
      if (this.#tracker.isDone) {
        if (walker.code !== ResponseHeader.err) return false;
        this.#hasFarewell = true;
      } else if (!this.#tracker.packet(walker)) return false;
    }
    return true;
  }

  hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /** What was held, in order; from now on the response may leave. */
  release(): readonly Uint8Array[] {
    const held = this.#held;
    this.#isReleased = true;
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }
}
