import { FatalError, type FatalReason } from '../../base/fatal.ts';

const causes: readonly (readonly [pattern: RegExp, reason: FatalReason, advice: string])[] = [
  [
    /No space left|Disk (?:is )?full|(?:errno|Error number):? 28\b/i,
    'DISK_FULL',
    'free some space',
  ],
  [
    /Permission denied|Operation not permitted|Read-only file system|(?:errno|Error number):? 13\b/i,
    'DATA_NOT_WRITABLE',
    'mysqld may not write there: check owner and mode, and AppArmor or SELinux if the server came with a package',
  ],
];

/** A reason to end the process in what mysqld last said, if waiting or repeating cannot help; null when it says none. */
export function fatalCauseOf(errors: readonly string[], where: string): FatalError | null {
  const line = (pattern: RegExp): string | undefined => errors.find((text) => pattern.test(text));
  for (const [pattern, reason, advice] of causes) {
    const found = line(pattern);
    if (found !== undefined)
      return new FatalError(reason, `${where}: ${advice}; mysqld says: ${found}`);
  }
  return null;
}
