import { ByteReader, BytesError, ByteWriter, fromUtf8, utf8 } from '../../base/bytes.ts';
import {
  type Member,
  type MemberAddress,
  type MemberKind,
  type Membership,
  membershipFault,
  membersMax,
} from './membership.ts';
import { isNodeId, nodeId } from './types.ts';

/** First byte of every membership record; raised when the meaning of a field changes. */
const codecVersion = 1;

const kindCodes: Readonly<Record<MemberKind, number>> = { voter: 1, learner: 2, witness: 3 };

/** More than any valid record takes: two configurations of `membersMax` members with the longest names. */
export const membershipBytesMax = 32_768;

export type DecodedMembership =
  | { readonly kind: 'membership'; readonly membership: Membership }
  | { readonly kind: 'malformed'; readonly reason: string };

/**
 * The payload of a membership entry, and the membership in a snapshot's metadata. Integers are little-endian.
 *
 * ```text
 * u8 version
 * twice, first the incoming then the outgoing configuration:
 *   u8 count, then for each member:
 *     u8 kind              1 voter, 2 learner, 3 witness
 *     u8 promotion         0 none, else a kind
 *     u8 length, id
 *     u8 length, host      0: no address, and no port follows
 *     u16 port
 * ```
 */
export function encodeMembership({ incoming, outgoing }: Membership): Uint8Array {
  const writer = new ByteWriter().u8(codecVersion);
  for (const members of [incoming, outgoing]) {
    writer.u8(members.length);
    for (const member of members) writeMember(writer, member);
  }
  return writer.finish();
}

/** Anything but what an encoder wrote of a usable configuration is malformed. */
export function decodeMembership(bytes: Uint8Array): DecodedMembership {
  if (bytes.length > membershipBytesMax) return malformed(`${bytes.length} bytes`);
  try {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== codecVersion) return malformed(`version ${version}, not ${codecVersion}`);
    const membership = { incoming: readMembers(reader), outgoing: readMembers(reader) };
    if (reader.left > 0) return malformed(`${reader.left} bytes too many`);
    const fault = membershipFault(membership);
    return fault === null ? { kind: 'membership', membership } : malformed(fault);
  } catch (thrown) {
    if (thrown instanceof BytesError) return malformed(thrown.message);
    throw thrown;
  }
}

function malformed(reason: string): DecodedMembership {
  return { kind: 'malformed', reason };
}

function writeMember(writer: ByteWriter, { id, kind, address, promotion }: Member): void {
  writer.u8(kindCodes[kind]).u8(promotion === null ? 0 : kindCodes[promotion]);
  writeText(writer, id);
  if (address === null) {
    writer.u8(0);
    return;
  }
  writeText(writer, address.host);
  writer.u16(address.port);
}

function writeText(writer: ByteWriter, text: string): void {
  const bytes = utf8(text);
  writer.u8(bytes.length).bytes(bytes);
}

function readMembers(reader: ByteReader): readonly Member[] {
  const count = reader.u8();
  if (count > membersMax) throw new BytesError(`${count} members, ${membersMax} are the most`);
  return Array.from({ length: count }, () => readMember(reader));
}

function readMember(reader: ByteReader): Member {
  const kind = kindOf(reader.u8());
  const promotion = promotionOf(reader.u8());
  const id = readText(reader);
  if (!isNodeId(id)) throw new BytesError(`${JSON.stringify(id)} is no node id`);
  return { id: nodeId(id), kind, address: readAddress(reader), promotion };
}

function readAddress(reader: ByteReader): MemberAddress | null {
  const host = readText(reader);
  return host === '' ? null : { host, port: reader.u16() };
}

function readText(reader: ByteReader): string {
  return fromUtf8(reader.bytes(reader.u8()));
}

function kindOf(code: number): MemberKind {
  switch (code) {
    case kindCodes.voter:
      return 'voter';
    case kindCodes.learner:
      return 'learner';
    case kindCodes.witness:
      return 'witness';
    default:
      throw new BytesError(`${code} is no kind of member`);
  }
}

function promotionOf(code: number): Member['promotion'] {
  if (code === 0) return null;
  const kind = kindOf(code);
  if (kind === 'learner') throw new BytesError('nobody is promoted to a learner');
  return kind;
}
