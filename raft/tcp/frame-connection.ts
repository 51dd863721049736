import type { Socket } from 'node:net';
import { utf8 } from '../../base/bytes.ts';
import { after, type Clock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { FrameKind, FrameReader, frameHeader, frameOf } from './frame-reader.ts';

/** A peer whose process runs is heard several times in what `keepaliveMs` allows. */
const pingsPerKeepalive = 2;
/** So many intervals in a row without a byte of the peer. Less than twice `keepaliveMs` then. */
const silentIntervalsMax = 3;
/** Up to here a copy costs less than a second piece. */
const copiedBytesMax = 64 * 1024;
const reasonCharactersMax = 256;
const lastWordsMs = 1000;

export interface FrameConnectionOptions {
  readonly socket: Socket;
  readonly clock: Clock;
  /** The largest content the other side may send. */
  readonly contentBytesMax: number;
  /** Pings and endings are dealt with here. Nothing comes after the end. */
  readonly onFrame: (kind: number, content: Uint8Array) => void;
  /** The system has taken what `write` said there was no room for. */
  readonly onRoom?: () => void;
  /** Once, with the reason. The socket is closed, or about to be. */
  readonly onEnd: (reason: string) => void;
}

/**
 * Frames over one socket, from either side of it. Bytes that mean nothing end it, and so does a peer that is not heard: a machine that
 * is gone, or a stopped process, closes nothing.
 */
export class FrameConnection {
  readonly #options: FrameConnectionOptions;
  readonly #reader: FrameReader;
  #isOver = false;
  #wasHeard = false;
  #hasWritten = false;
  #silentIntervals = 0;
  #stopTimer: () => void = () => undefined;

  constructor(options: FrameConnectionOptions) {
    this.#options = options;
    this.#reader = new FrameReader(options.contentBytesMax);
    const { socket, onRoom } = options;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.destroy(messageOf(error) || `${codeOf(error)}`));
    socket.on('end', () => this.destroy('ended by the peer'));
    socket.on('close', () => {
      this.#stopTimer();
      this.destroy('closed');
    });
    if (onRoom !== undefined) socket.on('drain', onRoom);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The other side as a log names it. */
  get peer(): string {
    const { remoteAddress, remotePort } = this.#options.socket;
    return `${remoteAddress}:${remotePort}`;
  }

  /** From now on the other side may send so much at once: it has said who it is. */
  allow(contentBytesMax: number): void {
    this.#reader.contentBytesMax = contentBytesMax;
  }

  /** False when the system takes no more at present: the frame waits, and what follows should wait where it can still be packed. */
  write(kind: number, content: Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#hasWritten = true;
    const { socket } = this.#options;
    if (content.length <= copiedBytesMax) return socket.write(frameOf(kind, content));
    socket.cork();
    socket.write(frameHeader(kind, content.length));
    const hasRoom = socket.write(content);
    socket.uncork();
    return hasRoom;
  }

  /** Settles when the system takes more, or with false when it never will. */
  room(): Promise<boolean> {
    const { socket } = this.#options;
    if (this.#isOver || !socket.writableNeedDrain) return Promise.resolve(!this.#isOver);
    const { promise, resolve } = deferred<boolean>();
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve(!this.#isOver);
    };
    socket.on('drain', settle).on('close', settle);
    return promise;
  }

  /**
   * Says now and then that this side is there, and ends the connection when the other one is not heard. Intervals are counted and not
   * time: a process that was stopped finds what came meanwhile in its socket, behind the first of its timers.
   */
  keepAlive(keepaliveMs: number): void {
    this.#stopTimer();
    this.#stopTimer = this.#options.clock.every(keepaliveMs / pingsPerKeepalive, () => {
      this.#silentIntervals = this.#wasHeard ? 0 : this.#silentIntervals + 1;
      if (this.#silentIntervals >= silentIntervalsMax) {
        this.destroy('the peer is not heard');
        return;
      }
      if (!this.#hasWritten) this.write(FrameKind.ping, new Uint8Array(0));
      this.#wasHeard = false;
      this.#hasWritten = false;
    });
  }

  /** Takes no more from the socket for a while, so that the other side must wait. */
  pause(): void {
    this.#options.socket.pause();
  }

  resume(): void {
    this.#options.socket.resume();
  }

  /** Sends what was written, and closes; after `lingerMs` in any case. */
  finish(lingerMs: number = lastWordsMs): void {
    if (this.#isOver) return;
    this.#over('done');
    this.#options.socket.end();
    // What still comes is read and thrown away: to close upon unread bytes would cut the last words short.
    this.#options.socket.resume();
    this.#stopTimer = after(this.#options.clock, lingerMs, () => this.#options.socket.destroy());
  }

  /** Tells the other side why, and closes. */
  refuse(reason: string): void {
    if (this.#isOver) return;
    this.write(FrameKind.ending, utf8(reason.slice(0, reasonCharactersMax)));
    this.finish();
  }

  destroy(reason: string): void {
    this.#over(reason);
    this.#options.socket.destroy();
  }

  #over(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimer();
    this.#options.onEnd(reason);
  }

  #receive(bytes: Uint8Array): void {
    this.#wasHeard = true;
    if (this.#isOver) return;
    const fault = this.#reader.push(bytes, (kind, content) => this.#take(kind, content));
    if (fault !== null && !this.#isOver) this.refuse(`malformed frame: ${fault}`);
  }

  #take(kind: number, content: Uint8Array): void {
    if (this.#isOver || kind === FrameKind.ping) return;
    if (kind === FrameKind.ending) {
      this.destroy(new TextDecoder().decode(content.subarray(0, reasonCharactersMax)));
    } else {
      this.#options.onFrame(kind, content);
    }
  }
}
