/** `9.7.4`, in parts that compare. */
export interface MySqlVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** What the first line of `mysqld --version` says of a program. */
export type ServerProduct =
  | { readonly kind: 'mysql'; readonly version: MySqlVersion }
  | { readonly kind: 'mariadb'; readonly version: MySqlVersion }
  | { readonly kind: 'unknown'; readonly text: string };

/**
 * The oldest server this project can hold a promise on: 8.0.26 has `semisync_source`, the `replica` names, and DDL that
 * is atomic with the binlog, so that cutting the binlog undoes it.
 */
export const oldestSupportedVersion: MySqlVersion = { major: 8, minor: 0, patch: 26 };

const versionPattern = /\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})/;
const outputShownCharactersMax = 200;

/** Reads the answer of `mysqld --version`. Percona Server is MySQL; MariaDB names itself. */
export function parseServerProduct(output: string): ServerProduct {
  const line = output.split('\n').find((candidate) => /\bVer\s/.test(candidate));
  const version = line === undefined ? null : parseVersion(line);
  if (line === undefined || version === null) {
    return { kind: 'unknown', text: output.trim().slice(0, outputShownCharactersMax) };
  }
  // MySQL 5.5 and older MariaDB share numbers; only the name tells them apart.
  if (/mariadb/i.test(line)) return { kind: 'mariadb', version };
  return { kind: 'mysql', version };
}

/** The first `a.b.c` of a text, or null. */
export function parseVersion(text: string): MySqlVersion | null {
  const [, major, minor, patch] = versionPattern.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return null;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

export function formatVersion(version: MySqlVersion): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

/** Negative when `left` is older. */
export function compareVersions(left: MySqlVersion, right: MySqlVersion): number {
  return left.major - right.major || left.minor - right.minor || left.patch - right.patch;
}

/** Whether `version` is `text` or newer, as in `isAtLeast(version, '8.4.0')`. */
export function isAtLeast(version: MySqlVersion, text: string): boolean {
  const wanted = parseVersion(text);
  return wanted !== null && compareVersions(version, wanted) >= 0;
}
