import { constants, createHash, publicEncrypt } from 'node:crypto';
import { bytesEqual, fromUtf8, utf8 } from '../base/bytes.ts';
import { MySqlConnectionError, type MySqlConnectionErrorCode, serverError } from './errors.ts';
import type { InternalAccount } from './mysql-server.ts';
import {
  cachingSha2Password,
  FastAuthResult,
  fastAuthProof,
  maskPassword,
  publicKeyRequest,
  type Sha256,
} from './protocol/auth/caching-sha2-password.ts';
import { readAuthMoreData, readAuthSwitchRequest } from './protocol/auth-packets.ts';
import { Capability, ErrorNumber, ResponseHeader, utf8mb4GeneralCi } from './protocol/constants.ts';
import { isErr, readErr } from './protocol/err-packet.ts';
import { MalformedPacketError } from './protocol/errors.ts';
import {
  type Greeting,
  nonceBytes,
  readGreeting,
  writeHandshakeResponse,
} from './protocol/handshake.ts';
import type { Packet } from './protocol/packet-framer.ts';

/** A connection on which nothing has been said yet. */
export interface LogInOptions {
  readonly account: InternalAccount;
  /** Nobody between the two ends can read along: the password may be sent as it is. */
  readonly isPrivate: boolean;
  /** The next packet of the server; rejects when the connection is lost. */
  next(): Promise<Packet>;
  send(payload: Uint8Array, sequence: number): void;
}

const wantedCapabilities =
  Capability.longPassword |
  Capability.longFlag |
  Capability.protocol41 |
  Capability.transactions |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.pluginAuthLengthEncoded |
  Capability.deprecateEof;
const clientPacketBytesMax = 0x4000_0000;
/** A log-in takes a handful of packets; a server that asks on and on is none. */
const roundsMax = 8;

/** The server is full or on its way out: another attempt may succeed, and the account is not at fault. */
const refusalsForNow: ReadonlySet<number> = new Set<number>([
  ErrorNumber.conCount,
  ErrorNumber.outOfResources,
  ErrorNumber.serverShutdown,
  ErrorNumber.cannotCreateThread,
  ErrorNumber.netReadError,
  ErrorNumber.netReadInterrupted,
  ErrorNumber.tooManyUserConnections,
  ErrorNumber.serverOfflineMode,
]);
const refusalsOfAccount: ReadonlySet<number> = new Set<number>([
  ErrorNumber.dbAccessDenied,
  ErrorNumber.accessDenied,
  ErrorNumber.hostNotPrivileged,
  ErrorNumber.accessDeniedNoPassword,
  ErrorNumber.accountLocked,
  ErrorNumber.accountBlockedByPasswordLock,
]);

/**
 * The client's side of the handshake with `caching_sha2_password`. Settles with the capabilities in force.
 * Rejects with MYSQL_ACCESS_DENIED, MYSQL_AUTH_UNSUPPORTED, MYSQL_PACKET_MALFORMED; with MYSQL_CONNECTION_LOST when the
 * server takes nobody now, and MYSQL_SERVER_ERROR when it refuses for another reason.
 */
export async function logIn(options: LogInOptions): Promise<number> {
  const first = await options.next();
  refuseErr(first.payload);
  const greeting = readGreeting(first.payload);
  if ((greeting.capabilities & Capability.pluginAuth) === 0) {
    throw new MySqlConnectionError('MYSQL_AUTH_UNSUPPORTED', 'the server knows no auth plug-ins');
  }
  const capabilities = (greeting.capabilities & wantedCapabilities) >>> 0;
  options.send(handshakeResponse(greeting, capabilities, options.account), first.sequence + 1);
  await authenticate(options, greeting.nonce);
  return capabilities;
}

function handshakeResponse(
  greeting: Greeting,
  capabilities: number,
  account: InternalAccount,
): Uint8Array {
  return writeHandshakeResponse({
    capabilities,
    packetBytesMax: clientPacketBytesMax,
    characterSet: utf8mb4GeneralCi,
    user: account.user,
    authResponse: fastAuthProof(account.password, greeting.nonce, sha256),
    database: null,
    authPlugin: cachingSha2Password,
    attributes: [],
  });
}

async function authenticate(options: LogInOptions, firstNonce: Uint8Array): Promise<void> {
  let nonce = firstNonce;
  for (let round = 0; round < roundsMax; round += 1) {
    const { payload, sequence } = await options.next();
    refuseErr(payload);
    switch (payload[0]) {
      case ResponseHeader.ok:
        return;
      case ResponseHeader.eof:
        nonce = nonceOfSwitch(payload);
        options.send(fastAuthProof(options.account.password, nonce, sha256), sequence + 1);
        break;
      case ResponseHeader.authMoreData: {
        const message = readAuthMoreData(payload);
        if (bytesEqual(message, Uint8Array.of(FastAuthResult.success))) break;
        options.send(fullAuthMessage(message, options, nonce), sequence + 1);
        break;
      }
      default:
        throw new MalformedPacketError(`a log-in is not answered with ${payload[0]}`);
    }
  }
  throw new MalformedPacketError(`no log-in after ${roundsMax} packets of the server`);
}

/** The answer to "I do not know you from memory": the password, or a request for the key, or the password under that key. */
function fullAuthMessage(
  message: Uint8Array,
  options: LogInOptions,
  nonce: Uint8Array,
): Uint8Array {
  const { password } = options.account;
  if (bytesEqual(message, Uint8Array.of(FastAuthResult.fullAuthRequired))) {
    return options.isPrivate ? utf8(`${password}\0`) : publicKeyRequest;
  }
  return encryptPassword(fromUtf8(message), maskPassword(password, nonce));
}

function encryptPassword(publicKeyPem: string, masked: Uint8Array): Uint8Array {
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return publicEncrypt({ key: publicKeyPem, padding }, masked);
  } catch (cause) {
    throw new MalformedPacketError('the server sent no usable public key', { cause });
  }
}

function nonceOfSwitch(payload: Uint8Array): Uint8Array {
  const { plugin, initialBytes } = readAuthSwitchRequest(payload);
  if (plugin === cachingSha2Password) {
    if (initialBytes.length >= nonceBytes) return initialBytes.slice(0, nonceBytes);
    throw new MalformedPacketError(`a nonce of ${initialBytes.length} bytes, not ${nonceBytes}`);
  }
  throw new MySqlConnectionError(
    'MYSQL_AUTH_UNSUPPORTED',
    `the account uses ${plugin}; create it with ${cachingSha2Password}`,
  );
}

function refuseErr(payload: Uint8Array): void {
  if (!isErr(payload)) return;
  const err = readErr(payload);
  throw serverError(err, 'the log-in', codeOfRefusal(err.number));
}

function codeOfRefusal(number: number): MySqlConnectionErrorCode {
  if (refusalsForNow.has(number)) return 'MYSQL_CONNECTION_LOST';
  return refusalsOfAccount.has(number) ? 'MYSQL_ACCESS_DENIED' : 'MYSQL_SERVER_ERROR';
}

const sha256: Sha256 = (parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
