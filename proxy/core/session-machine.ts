import { assert, assertNever } from '../../base/assert.ts';
import { CommandCode, wireHeaderBytes } from '../../mysql-bridge/protocol/constants.ts';
import { encodePacket } from '../../mysql-bridge/protocol/packet-writer.ts';
import type { ClientErrorCode } from './client-error.ts';
import { type CommandRule, judgeCommand } from './command-table.ts';
import { headOf, noHead } from './commit-forecast.ts';
import { endingCode, type Stake } from './ending.ts';
import { PacketGatherer, readAnswer, readOffer, userOfChangeUser } from './login.ts';
import { ResponseStream } from './response-stream.ts';
import type {
  EndCause,
  GateView,
  SessionEffect,
  SessionInput,
  SessionMachineOptions,
  SessionPhase,
} from './session-types.ts';
import { StatementCursors } from './statement-cursors.ts';
import { type Run, WireCutter } from './wire-cutter.ts';
import { isXaDecided } from './xa-statement.ts';

/**
 * One session between a client and a server: what passes, what is held, and what is said when it must end. It has no socket and
 * no clock. One command at a time is with the server; what the client sends ahead waits here. No command is ever sent twice
 * (HAZARDS C9, H33).
 */
export class SessionMachine {
  readonly #options: SessionMachineOptions;
  readonly #client = new WireCutter();
  readonly #greeting = new WireCutter();
  readonly #gatherer: PacketGatherer;
  readonly #cursors = new StatementCursors();
  #effects: SessionEffect[] = [];
  #phase: SessionPhase = 'greeting';
  #response = new ResponseStream(0);
  #rule: CommandRule | null = null;
  #refusal: ClientErrorCode = 'PROXY_COMMAND_UNKNOWN';
  #isLoggedIn = false;
  /** The command of this turn has not been passed to its end. */
  #isSending = false;
  #isClientPaused = false;
  #isServerPaused = false;
  #isServerGone = false;
  /** Sequence number of the latest wire packet that either side has been given; -1 before the first. */
  #lastSequence = -1;
  #user = '';
  #connectionId: number | null = null;
  #offered = 0;
  #capabilities = 0;

  constructor(options: SessionMachineOptions) {
    this.#options = options;
    this.#gatherer = new PacketGatherer(options.preAuthPacketBytesMax);
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  get isLoggedIn(): boolean {
    return this.#isLoggedIn;
  }

  /** A `GateView.mayLeave` need not be worked out when it is true. */
  get isReleased(): boolean {
    return this.#response.isReleased;
  }

  get inTransaction(): boolean {
    return this.#response.inTransaction;
  }

  /** Work of this session would be lost or left unknown if the server went away now. */
  get isBusy(): boolean {
    return this.#isLoggedIn && (this.#phase === 'turn' || this.inTransaction);
  }

  get user(): string {
    return this.#user;
  }

  /** The server's own number of this connection, as KILL takes it. */
  get connectionId(): number | null {
    return this.#connectionId;
  }

  step(input: SessionInput, gate: GateView): readonly SessionEffect[] {
    if (this.#phase === 'ended') return [];
    this.#effects = [];
    switch (input.kind) {
      case 'server-bytes':
        this.#serverBytes(input.bytes, gate);
        break;
      case 'client-bytes':
        this.#client.push(input.bytes);
        this.#takeClientBytes(gate);
        break;
      case 'confirmed':
        this.#releaseHeld(gate);
        break;
      case 'hold-ended':
        this.#takeClientBytes(gate);
        break;
      case 'server-lost':
        this.#serverLost();
        break;
      case 'end':
        this.#sayEnd(input.cause);
        break;
      default:
        assertNever(input);
    }
    return this.#effects;
  }

  #serverBytes(bytes: Uint8Array, gate: GateView): void {
    switch (this.#phase) {
      case 'greeting':
        this.#greet(bytes);
        break;
      case 'turn':
        this.#respond(bytes, gate);
        break;
      default:
        this.#farewell(bytes);
    }
  }

  /** The server speaks first; only what both it and this proxy can do is offered to the client. */
  #greet(bytes: Uint8Array): void {
    this.#greeting.push(bytes);
    for (;;) {
      const run = this.#greeting.next();
      if (run === null) return;
      const packet = this.#gatherer.add(run);
      if (packet === 'too-large') {
        this.#abort('the greeting is too large');
        return;
      }
      if (packet !== null) {
        this.#passGreeting(packet, run.sequence);
        return;
      }
    }
  }

  #passGreeting(packet: Uint8Array, sequence: number): void {
    this.#lastSequence = sequence;
    const offer = readOffer(packet.subarray(wireHeaderBytes));
    switch (offer.kind) {
      case 'refused':
        this.#effects.push({ kind: 'to-client', bytes: packet });
        this.#close();
        return;
      case 'malformed':
        this.#abort(offer.reason);
        return;
      case 'offered':
        this.#connectionId = offer.connectionId;
        this.#offered = offer.capabilities;
        this.#phase = 'answer';
        this.#effects.push({ kind: 'to-client', bytes: encodePacket(offer.payload, sequence) });
        return;
      default:
        assertNever(offer);
    }
  }

  /** Bytes of the response to the command in flight: their end is found, and they leave or are held. */
  #respond(bytes: Uint8Array, gate: GateView): void {
    const response = this.#response;
    if (!response.follow(bytes)) {
      this.#abort('the response breaks the protocol');
      return;
    }
    if (!response.isReleased && !gate.mayLeave) {
      this.#hold(bytes);
      return;
    }
    this.#passHeld();
    this.#pass(bytes);
    this.#afterPassing(gate);
  }

  #hold(bytes: Uint8Array): void {
    if (this.#response.heldBytes === 0) this.#effects.push({ kind: 'held' });
    this.#response.hold(bytes);
    const isFull = this.#response.heldBytes >= this.#options.heldBytesMax;
    if (!isFull || this.#isServerPaused) return;
    this.#isServerPaused = true;
    this.#effects.push({ kind: 'read-server', on: false });
  }

  #releaseHeld(gate: GateView): void {
    if (this.#response.heldBytes === 0) return;
    this.#passHeld();
    this.#afterPassing(gate);
  }

  #passHeld(): void {
    for (const bytes of this.#response.release()) this.#pass(bytes);
    if (!this.#isServerPaused) return;
    this.#isServerPaused = false;
    this.#effects.push({ kind: 'read-server', on: true });
  }

  #pass(bytes: Uint8Array): void {
    this.#lastSequence = this.#response.sequence;
    this.#effects.push({ kind: 'to-client', bytes });
  }

  #afterPassing(gate: GateView): void {
    const response = this.#response;
    if (response.isAnswered && !this.#isSending) this.#endTurn(gate);
    else if (response.wantsFile || response.isLogin) this.#takeClientBytes(gate);
  }

  #endTurn(gate: GateView): void {
    this.#phase = 'idle';
    this.#effects.push({ kind: 'turn-ended' });
    this.#cursors.answered(this.#response);
    const isLoginEnd = this.#rule === null || this.#rule.shape === 'login';
    // After a refused log-in the server has nothing more to say; it closes, and so do we.
    if (this.#isServerGone || (isLoginEnd && this.#response.hasFailed)) {
      this.#close();
      return;
    }
    if (!this.#isLoggedIn) {
      this.#isLoggedIn = true;
      this.#effects.push({ kind: 'logged-in' });
    }
    this.#takeClientBytes(gate);
  }

  /** The server speaks unasked: an ERR before it closes the connection, and nothing else. */
  #farewell(bytes: Uint8Array): void {
    if (!this.#response.follow(bytes)) {
      this.#abort('the server speaks unasked');
      return;
    }
    this.#lastSequence = this.#response.sequence;
    this.#effects.push({ kind: 'to-client', bytes });
  }

  /** Takes what the client has sent as far as the session may go on now. */
  #takeClientBytes(gate: GateView): void {
    while (this.#mayTake(gate)) {
      const run = this.#client.next(this.#isClear);
      if (run === null) break;
      this.#takeRun(run);
      // A server may answer before it has read all, to say that the command is too large.
      const isEarlyAnswer =
        this.#phase === 'turn' && this.#response.isReleased && this.#response.isAnswered;
      if (isEarlyAnswer && !this.#isSending) {
        this.#endTurn(gate);
        return;
      }
    }
    this.#balanceClient();
  }

  #mayTake(gate: GateView): boolean {
    switch (this.#phase) {
      case 'answer':
      case 'silent':
      case 'refused':
      case 'gather':
        return true;
      case 'idle':
        return !gate.isHolding || this.inTransaction;
      case 'turn':
        return this.#mayTakeInTurn();
      case 'greeting':
      case 'quit':
      case 'ended':
        return false;
      default:
        return assertNever(this.#phase);
    }
  }

  #mayTakeInTurn(): boolean {
    if (this.#isSending) return true;
    if (this.#response.wantsFile) return this.#response.isReleased;
    if (!this.#response.isLogin) return false;
    if (!this.#isLoggedIn || this.#client.isInsidePacket) return true;
    // Numbers go on within an exchange and start again with a command, which waits for its end.
    const next = this.#client.peek();
    return next !== null && next.sequence !== 0;
  }

  readonly #isClear = (head: Uint8Array): boolean =>
    this.#phase !== 'idle' || isXaDecided(head, this.#capabilities);

  #takeRun(run: Run): void {
    switch (this.#phase) {
      case 'answer':
        this.#takeAnswer(run);
        return;
      case 'idle':
        this.#beginCommand(run);
        return;
      case 'turn':
        this.#takeInTurn(run);
        return;
      case 'silent':
        this.#cursors.take(run);
        this.#toServer(run);
        if (run.isLast) this.#phase = 'idle';
        return;
      case 'quit':
        this.#toServer(run);
        return;
      case 'refused':
        this.#lastSequence = run.sequence;
        if (!run.isLast) return;
        this.#phase = 'idle';
        this.#error(this.#refusal);
        return;
      case 'gather':
        this.#gatherChangeUser(run);
        return;
      default:
        assert(false, `no client bytes are taken in phase ${this.#phase}`);
    }
  }

  #takeAnswer(run: Run): void {
    this.#lastSequence = run.sequence;
    const packet = this.#gatherer.add(run);
    if (packet === null) return;
    if (packet === 'too-large') {
      this.#fail('PROXY_PACKET_TOO_LARGE');
      return;
    }
    const answer = readAnswer(packet.subarray(wireHeaderBytes));
    if (answer.kind === 'refused') {
      this.#fail(answer.code);
      return;
    }
    if (!this.#admit(answer.user)) return;
    this.#capabilities = answer.capabilities & this.#offered;
    this.#response = new ResponseStream(this.#capabilities);
    this.#beginTurn(null);
    this.#effects.push({ kind: 'to-server', bytes: encodePacket(answer.payload, run.sequence) });
  }

  #beginTurn(rule: CommandRule | null, head: number = noHead): void {
    this.#phase = 'turn';
    this.#rule = rule;
    this.#isSending = false;
    this.#response.begin(rule?.shape ?? 'login');
    this.#effects.push({ kind: 'turn-started', head });
  }

  #beginCommand(run: Run): void {
    this.#lastSequence = run.sequence;
    const verdict = judgeCommand(run.bytes.subarray(wireHeaderBytes), this.#capabilities);
    if (typeof verdict === 'string') {
      this.#refusal = verdict;
      this.#phase = 'refused';
      this.#takeRun(run);
    } else if (verdict.shape === 'none') {
      this.#phase = run.code === CommandCode.quit ? 'quit' : 'silent';
      this.#takeRun(run);
    } else if (run.code === CommandCode.changeUser) {
      this.#rule = verdict;
      this.#phase = 'gather';
      this.#takeRun(run);
    } else {
      this.#beginTurn(verdict, headOf(run.bytes.subarray(wireHeaderBytes), this.inTransaction));
      this.#isSending = true;
      this.#takeRun(run);
    }
  }

  #takeInTurn(run: Run): void {
    const isLoginPacket = this.#response.isLogin && !this.#isLoggedIn;
    if (isLoginPacket && run.length > this.#options.preAuthPacketBytesMax) {
      this.#lastSequence = run.sequence;
      this.#fail('PROXY_PACKET_TOO_LARGE');
      return;
    }
    if (this.#isSending && this.#cursors.take(run)) this.#response.expectOkBehindColumns();
    this.#toServer(run);
    if (!run.isLast) return;
    this.#isSending = false;
    // An empty packet ends the file that the server asked for.
    if (this.#response.wantsFile && run.isFirst && run.length === 0) this.#response.fileSent();
  }

  #toServer(run: Run): void {
    this.#lastSequence = run.sequence;
    this.#effects.push({ kind: 'to-server', bytes: run.bytes });
  }

  #gatherChangeUser(run: Run): void {
    this.#lastSequence = run.sequence;
    const packet = this.#gatherer.add(run);
    if (packet === null) return;
    if (packet === 'too-large') {
      this.#fail('PROXY_PACKET_TOO_LARGE');
      return;
    }
    const user = userOfChangeUser(packet);
    if (user === null) {
      this.#fail('PROXY_PACKET_MALFORMED');
    } else if (this.#admit(user)) {
      this.#cursors.clear();
      this.#beginTurn(this.#rule);
      this.#effects.push({ kind: 'to-server', bytes: packet });
    }
  }

  /** False, and the session ends, when the account may not be used here. */
  #admit(user: string): boolean {
    this.#user = user;
    if (!this.#options.reservedUsers.includes(user)) return true;
    this.#fail('PROXY_ACCESS_DENIED');
    return false;
  }

  /** Stops reading a client that sends too far ahead, and starts again once it is taken. */
  #balanceClient(): void {
    if (this.#phase === 'ended') return;
    const isFull = this.#client.queuedBytes > this.#options.queuedBytesMax;
    if (isFull === this.#isClientPaused) return;
    this.#isClientPaused = isFull;
    this.#effects.push({ kind: 'read-client', on: !isFull });
  }

  #serverLost(): void {
    if (this.#phase === 'turn' && this.#response.isAnswered && this.#response.heldBytes > 0) {
      // The answer is whole and only waits for leave: it is still true, so it goes out first.
      this.#isServerGone = true;
    } else if (this.#response.hasFarewell) this.#close();
    else this.#sayEnd('server-lost');
  }

  /** Tells the client what became of its latest statement. */
  #sayEnd(cause: EndCause | 'server-lost'): void {
    if (this.#phase === 'quit') {
      this.#close();
      return;
    }
    // Half a packet is with the client: whatever came next would be read as its other half.
    const cutsPacket =
      this.#phase === 'turn' && this.#response.isReleased && !this.#response.isAtBoundary;
    if (cutsPacket) {
      this.#abort('the end cuts a packet');
      return;
    }
    // The client's answer to the greeting, number 1, is to be expected on the wire by now.
    if (this.#phase === 'answer') this.#lastSequence = 1;
    const command = this.#commandAtStake();
    const isReadWrite = this.#options.access === 'read-write';
    this.#fail(
      endingCode(cause, {
        command,
        mayWrite: isReadWrite && this.#rule?.mayWrite === true,
        inTransaction: isReadWrite && this.inTransaction,
      }),
    );
  }

  #commandAtStake(): Stake['command'] {
    if (!this.#isLoggedIn) return 'none';
    if (this.#phase === 'turn') return this.#isSending ? 'not-started' : 'started';
    if (this.#client.isInsidePacket) return 'not-started';
    const waiting = this.#client.peek();
    // Unasked, the server's packets are numbered from 0.
    this.#lastSequence = waiting === null ? -1 : waiting.sequence;
    return waiting === null ? 'none' : 'not-started';
  }

  #fail(code: ClientErrorCode): void {
    this.#error(code);
    this.#close();
  }

  #error(code: ClientErrorCode): void {
    this.#effects.push({ kind: 'error', code, sequence: (this.#lastSequence + 1) & 0xff });
  }

  #close(): void {
    this.#finish();
    this.#effects.push({ kind: 'close' });
  }

  #abort(reason: string): void {
    this.#finish();
    this.#effects.push({ kind: 'abort', reason });
  }

  #finish(): void {
    this.#phase = 'ended';
    this.#client.clear();
  }
}
