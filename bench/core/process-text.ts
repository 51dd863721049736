/** Numbers of `/proc/<pid>/stat` and `/proc/<pid>/io` (proc(5)), which count from the start of the process. */
export interface ProcessWork {
  /** In user and kernel mode together, in ticks. */
  readonly cpuTicks: number;
  /** Caused to be sent to the disk, in whole pages. */
  readonly diskBytes: number;
  /** Given to write(2) and its kin, files and sockets alike. */
  readonly writtenBytes: number;
}

const userTicksField = 13;
const kernelTicksField = 14;

/** Null of texts that are not as in proc(5). */
export function parseProcessWork(stat: string, io: string): ProcessWork | null {
  // The second field is the program's name in brackets, and may hold anything, brackets too.
  const afterName = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const field = (number: number): number => Number(afterName[number - 2] ?? Number.NaN);
  const line = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1] ?? Number.NaN);
  const work = {
    cpuTicks: field(userTicksField) + field(kernelTicksField),
    diskBytes: line('write_bytes'),
    writtenBytes: line('wchar'),
  };
  return Object.values(work).every(Number.isSafeInteger) ? work : null;
}
