import { deferred } from '../../base/deferred.ts';
import { decodeEventHeader } from '../binlog/event-header.ts';
import { EventType } from '../binlog/event-types.ts';
import { GtidSet } from '../binlog/gtid-set.ts';
import { DumpClient, type DumpOptions } from '../dump-client.ts';
import { MySqlConnectionError } from '../errors.ts';
import { PacketCollector } from '../protocol/packet-framer.ts';
import type { PacketPiece } from '../protocol/packet-piece.ts';

/** A dump begins with a ROTATE and a FORMAT_DESCRIPTION; both are some hundred bytes. */
const packetBytesMax = 64 * 1024;

/**
 * The FORMAT_DESCRIPTION event of a running server, for `SourceServerOptions.formatDescription`. It depends on the server's version
 * and checksum setting alone, so asking once per start of the server is enough. Nothing else is read: the dump excludes all that the
 * server has, and is no semisync one, so that no commit ever counts on it.
 */
export async function captureFormatDescription(
  options: Omit<DumpOptions, 'isSemisync'>,
): Promise<Uint8Array> {
  await using client = await DumpClient.open({ ...options, isSemisync: false });
  const exclude = GtidSet.parse(await client.executedGtids()).encode();
  const collector = new PacketCollector({ payloadBytesMax: packetBytesMax });
  const found = deferred<Uint8Array>();
  client.start(exclude, {
    onPieces(pieces: readonly PacketPiece[]) {
      for (const piece of pieces) {
        const packet = collector.add(piece);
        const event = packet?.payload.slice(1);
        if (event === undefined || decodeEventHeader(event).type !== EventType.formatDescription) {
          continue;
        }
        found.resolve(event);
        return;
      }
    },
    onEnd(error) {
      const lost = 'the dump ended before its format description';
      found.reject(error ?? new MySqlConnectionError('MYSQL_CONNECTION_LOST', lost));
    },
  });
  return await found.promise;
}
