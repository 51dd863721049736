// The bytes that a source puts in front of each event of a semisynchronous dump, behind the status byte
// (MySQL source, plugin semisync, `ReplSemiSyncBase::kPacketMagicNum`).
//
//   0  1  0xEF
//   1  1  1: the commit of this event's transaction waits for an ack; 0: nobody waits

export const semisyncMagic = 0xef;
export const semisyncHeaderBytes = 2;

/** Whether the source waits for an ack; null when these are not the bytes of a semisynchronous dump. */
export function decodeSemisyncHeader(magic: number, flag: number): boolean | null {
  if (magic !== semisyncMagic || flag > 1) return null;
  return flag === 1;
}
