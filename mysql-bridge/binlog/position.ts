/** A place in one server's binlog; means nothing on another server. */
export interface BinlogPosition {
  readonly file: string;
  readonly offset: bigint;
}

/** Negative when `left` is in front of `right`, 0 when they are the same. Files are told by the numbers that their names end with. */
export function comparePositions(left: BinlogPosition, right: BinlogPosition): number {
  const files = fileNumber(left) - fileNumber(right);
  return files === 0 ? Number(left.offset - right.offset) : files;
}

function fileNumber({ file }: BinlogPosition): number {
  return Number(file.slice(file.lastIndexOf('.') + 1));
}
