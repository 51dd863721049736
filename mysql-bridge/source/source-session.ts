import { assert, assertNever } from '../../base/assert.ts';
import {
  cachingSha2Password,
  FastAuthResult,
  isFastAuthProof,
  type Sha256,
} from '../protocol/auth/caching-sha2-password.ts';
import { writeAuthMoreData, writeAuthSwitchRequest } from '../protocol/auth-packets.ts';
import { textColumn } from '../protocol/column-definition.ts';
import { type BinlogDumpGtid, type Command, readCommand } from '../protocol/commands.ts';
import { Capability, CommandCode, ServerStatus, utf8mb4GeneralCi } from '../protocol/constants.ts';
import { type ErrPacket, writeErr } from '../protocol/err-packet.ts';
import { MalformedPacketError } from '../protocol/errors.ts';
import {
  type HandshakeResponse,
  readGreetingAnswer,
  writeGreeting,
} from '../protocol/handshake.ts';
import { plainOk, writeOk } from '../protocol/ok-packet.ts';
import type { Packet } from '../protocol/packet-framer.ts';
import { writeTextResultSet } from '../protocol/result-set.ts';
import {
  accessDenied,
  fatalDumpError,
  handshakeRefused,
  malformedPacket,
  unknownCommand,
} from './source-error.ts';
import { answerQuery, type SourceFacts } from './source-query.ts';

/** Who may attach: the double hash of a password, as the server side of the plug-in keeps it. */
export interface SourceAccount {
  readonly user: string;
  readonly passwordDigest: Uint8Array;
}

export interface SourceSessionOptions {
  readonly accounts: readonly SourceAccount[];
  readonly connectionId: number;
  /** 20 random bytes, none of them zero, never used before. */
  readonly nonce: Uint8Array;
  readonly version: string;
  readonly sha256: Sha256;
  /** Asked at each statement; lower case. Null: there is no such variable. */
  systemVariable(name: string): string | null;
}

/** A replica asks for all transactions but those it has. */
export interface DumpRequest extends BinlogDumpGtid {
  /** Of the first packet of the answer. */
  readonly sequence: number;
  /** 0: it wants none. */
  readonly heartbeatPeriodNs: bigint;
  readonly replicaUuid: string | null;
}

/** What a session orders. `send`: packets in order, numbered from `sequence` on. */
export type SourceEffect =
  | { readonly kind: 'send'; readonly payloads: readonly Uint8Array[]; readonly sequence: number }
  | { readonly kind: 'logged-in'; readonly user: string }
  | { readonly kind: 'start-dump'; readonly request: DumpRequest }
  | { readonly kind: 'close'; readonly reason: string };

type State =
  | { readonly kind: 'greeted' }
  | { readonly kind: 'switching'; readonly response: HandshakeResponse }
  | { readonly kind: 'ready'; readonly capabilities: number; readonly user: string }
  | { readonly kind: 'dumping' }
  | { readonly kind: 'closed' };

/** Not TLS, and neither compression nor the newer forms of packets, which nothing here needs. */
const offered: number =
  Capability.longPassword |
  Capability.longFlag |
  Capability.connectWithDb |
  Capability.protocol41 |
  Capability.transactions |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.pluginAuthLengthEncoded |
  Capability.connectAttributes;
const variablesMax = 64;

/**
 * One client of the binlog port from greeting to dump, without socket or clock: packets in, effects out. Malformed input is
 * answered and ends the session; it never throws.
 */
export class SourceSession {
  readonly #options: SourceSessionOptions;
  readonly #variables = new Map<string, string>();
  #state: State = { kind: 'greeted' };
  #unixSeconds = 0;

  constructor(options: SourceSessionOptions) {
    this.#options = options;
  }

  get isLoggedIn(): boolean {
    return this.#state.kind === 'ready' || this.#state.kind === 'dumping';
  }

  /** The first packet; to be sent with sequence number 0. */
  greeting(): SourceEffect {
    const { version, connectionId, nonce } = this.#options;
    const payload = writeGreeting({
      serverVersion: version,
      connectionId,
      nonce,
      capabilities: offered,
      characterSet: utf8mb4GeneralCi,
      status: ServerStatus.autocommit,
      authPlugin: cachingSha2Password,
    });
    return { kind: 'send', payloads: [payload], sequence: 0 };
  }

  /** A whole packet of the client. `unixSeconds`: the wall clock, which replicas compare with their own. */
  receive(packet: Packet, unixSeconds: number): readonly SourceEffect[] {
    this.#unixSeconds = unixSeconds;
    try {
      return this.#receive(packet);
    } catch (thrown) {
      if (!(thrown instanceof MalformedPacketError)) throw thrown;
      return this.refuse(malformedPacket(thrown.message), packet.sequence + 1);
    }
  }

  /** Answers with an error and ends the session. */
  refuse(err: ErrPacket, sequence: number): readonly SourceEffect[] {
    this.#state = { kind: 'closed' };
    return [send(sequence, writeErr(err)), { kind: 'close', reason: err.message }];
  }

  #receive(packet: Packet): readonly SourceEffect[] {
    const state = this.#state;
    switch (state.kind) {
      case 'greeted':
        return this.#receiveResponse(packet);
      case 'switching':
        return this.#authenticate(state.response, packet.payload, packet.sequence);
      case 'ready':
        return this.#receiveCommand(packet, state);
      case 'dumping':
        // Semisync acks were not asked for, so only a farewell makes sense here.
        return this.#close('the client ended the dump');
      case 'closed':
        return [];
      default:
        return assertNever(state);
    }
  }

  #receiveResponse({ payload, sequence }: Packet): readonly SourceEffect[] {
    const answer = readGreetingAnswer(payload);
    if (answer.kind === 'tls-request') {
      return this.refuse(handshakeRefused('TLS is not offered on this port'), sequence + 1);
    }
    const { response } = answer;
    const isOwnPlugin = response.authPlugin === null || response.authPlugin === cachingSha2Password;
    if (isOwnPlugin) return this.#authenticate(response, response.authResponse, sequence);
    // The client's default is another plug-in: its response says nothing about the password.
    this.#state = { kind: 'switching', response };
    const initialBytes = new Uint8Array([...this.#options.nonce, 0]);
    const request = writeAuthSwitchRequest({ plugin: cachingSha2Password, initialBytes });
    return [send(sequence + 1, request)];
  }

  /** The digest is at hand for every account, so the fast way always suffices and no key is ever needed. */
  #authenticate(
    response: HandshakeResponse,
    proof: Uint8Array,
    sequence: number,
  ): readonly SourceEffect[] {
    const { accounts, nonce, sha256 } = this.#options;
    const account = accounts.find(({ user }) => user === response.user);
    // An unknown user costs as much as a wrong password (HAZARDS S5).
    const digest = account?.passwordDigest ?? new Uint8Array(32);
    const isRight = isFastAuthProof({ proof, nonce, digest, sha256 });
    if (account === undefined || !isRight) {
      return this.refuse(accessDenied(response.user.slice(0, 32)), sequence + 1);
    }
    const capabilities = (response.capabilities & offered) >>> 0;
    this.#state = { kind: 'ready', capabilities, user: account.user };
    const fastAuth = writeAuthMoreData(Uint8Array.of(FastAuthResult.success));
    return [
      send(sequence + 1, fastAuth, writeOk(plainOk, capabilities)),
      { kind: 'logged-in', user: account.user },
    ];
  }

  #receiveCommand(
    { payload, sequence }: Packet,
    { capabilities, user }: Extract<State, { kind: 'ready' }>,
  ): readonly SourceEffect[] {
    const command = readCommand(payload, capabilities);
    const ok = (): readonly SourceEffect[] => [send(sequence + 1, writeOk(plainOk, capabilities))];
    switch (command.kind) {
      case 'quit':
        return this.#close('the client said goodbye');
      case 'ping':
      case 'init-db':
      case 'register-replica':
        return ok();
      case 'reset-connection':
        this.#variables.clear();
        return ok();
      case 'query':
        return [send(sequence + 1, ...this.#answer(command.sql, capabilities, user))];
      case 'binlog-dump-gtid':
        return this.#startDump(command, sequence + 1);
      case 'binlog-dump':
        return [send(sequence + 1, writeErr(positionDumpRefused))];
      case 'statistics':
        return [send(sequence + 1, writeErr(unknownCommand(CommandCode.statistics)))];
      case 'other':
        return [send(sequence + 1, writeErr(unknownCommand(command.code)))];
      default:
        return assertNever(command);
    }
  }

  #answer(sql: string, capabilities: number, user: string): readonly Uint8Array[] {
    const facts: SourceFacts = {
      unixSeconds: this.#unixSeconds,
      user,
      connectionId: this.#options.connectionId,
      systemVariable: this.#options.systemVariable,
    };
    const answer = answerQuery(sql, facts, this.#variables);
    switch (answer.kind) {
      case 'rows': {
        const rows = answer.row === null ? [] : [answer.row];
        return writeTextResultSet({ columns: answer.names.map(textColumn), rows }, capabilities);
      }
      case 'variables-set':
        for (const [name, value] of answer.variables) {
          if (this.#variables.size < variablesMax) this.#variables.set(name, value);
        }
        return [writeOk(plainOk, capabilities)];
      case 'err':
        return [writeErr(answer.err)];
      default:
        return assertNever(answer);
    }
  }

  #startDump(
    command: Extract<Command, { kind: 'binlog-dump-gtid' }>,
    sequence: number,
  ): readonly SourceEffect[] {
    assert(this.#state.kind === 'ready', 'only a session that is logged in may dump');
    this.#state = { kind: 'dumping' };
    const { kind: _, ...dump } = command;
    const request: DumpRequest = {
      ...dump,
      // A view on the socket's chunk, which is not kept.
      exclude: command.exclude.slice(),
      sequence,
      heartbeatPeriodNs: this.#heartbeatPeriodNs(),
      replicaUuid: this.#variable('replica_uuid', 'slave_uuid'),
    };
    return [{ kind: 'start-dump', request }];
  }

  /** In the spelling of 8.0.26 and later, or in that of before. */
  #variable(name: string, oldName: string): string | null {
    return this.#variables.get(name) ?? this.#variables.get(oldName) ?? null;
  }

  #heartbeatPeriodNs(): bigint {
    const text = this.#variable('source_heartbeat_period', 'master_heartbeat_period');
    return text !== null && /^\d{1,18}$/.test(text) ? BigInt(text) : 0n;
  }

  #close(reason: string): readonly SourceEffect[] {
    this.#state = { kind: 'closed' };
    return [{ kind: 'close', reason }];
  }
}

const positionDumpRefused = fatalDumpError(
  'This source has no binlog files, only transactions: use SOURCE_AUTO_POSITION=1, or with mysqlbinlog ' +
    '--read-from-remote-source=BINLOG-DUMP-GTIDS --to-last-log',
);

function send(sequence: number, ...payloads: readonly Uint8Array[]): SourceEffect {
  return { kind: 'send', payloads, sequence };
}
