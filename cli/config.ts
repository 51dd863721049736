import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import { type NodeConfig, nodeSchema } from './config-schema.ts';

// The only reader of configuration files and of the environment.

/** One thing wrong with a configuration. */
export interface ConfigFault {
  readonly path: string;
  readonly was: string;
  readonly allowed: string;
}

/** All faults at once, or the configuration. Pure. */
export function parseNodeConfig(input: unknown): NodeConfig | readonly ConfigFault[] {
  const parsed = nodeSchema.safeParse(input, { reportInput: true });
  if (parsed.success) return Object.freeze(parsed.data);
  return parsed.error.issues.map((issue) => ({
    path: issue.path.length === 0 ? '(root)' : issue.path.join('.'),
    was: shortJson(valueAt(input, issue.path)),
    allowed: issue.message,
  }));
}

/** Reads `node.yaml`. FatalError CONFIG_INVALID lists every fault with its path, its value and what is allowed. */
export function readNodeConfig(path: string): NodeConfig {
  const config = parseNodeConfig(readYaml(path));
  if (isFaults(config)) {
    const lines = config.map((fault) => `  ${fault.path}: is ${fault.was}; ${fault.allowed}`);
    throw new FatalError(
      'CONFIG_INVALID',
      `${path} has ${config.length} fault${config.length === 1 ? '' : 's'}:\n${lines.join('\n')}`,
    );
  }
  const folder = dirname(resolve(path));
  return Object.freeze({
    ...config,
    dataDirectory: absolute(folder, config.dataDirectory),
    accounts: {
      clusterSecretFile: absolute(folder, config.accounts.clusterSecretFile),
      app: withAbsoluteFile(folder, config.accounts.app),
      binlog: withAbsoluteFile(folder, config.accounts.binlog),
    },
  });
}

/** Names the part of the configuration that must be equal on all nodes; compared at every handshake. */
export function clusterFingerprint(config: NodeConfig): string {
  const { clusterId, timings, reads } = config;
  return digest([clusterId, timings, reads]);
}

/** Of the members a cluster begins with: nodes that disagree on them must not elect anybody together. */
export function initialMembersFingerprint(config: NodeConfig): string {
  return digest(config.members.map(({ id, host: at, raftPort }) => [id, at, raftPort]));
}

function digest(values: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 32);
}

/** A password or secret from its file: first line, not empty. */
export function readSecret(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FatalError(
      'CONFIG_INVALID',
      `cannot read the secret file ${path}: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
  const [line = ''] = text.split(/\r?\n/);
  if (line === '') throw new FatalError('CONFIG_INVALID', `the secret file ${path} is empty`);
  return line;
}

/** What the environment may say. */
export const environment: {
  readonly mysqld: string | undefined;
  readonly noColor: boolean;
  readonly searchPath: string;
  readonly xdgCacheHome: string | undefined;
} = {
  mysqld: process.env['BINRAFT_MYSQLD'],
  noColor: process.env['NO_COLOR'] !== undefined,
  searchPath: process.env['PATH'] ?? '',
  xdgCacheHome: process.env['XDG_CACHE_HOME'],
};

function readYaml(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, 'utf8'));
  } catch (cause) {
    const what = cause instanceof YAMLParseError ? 'is no valid YAML' : 'cannot be read';
    throw new FatalError('CONFIG_INVALID', `${path} ${what}: ${messageOf(cause)}`, { cause });
  }
}

function isFaults(value: NodeConfig | readonly ConfigFault[]): value is readonly ConfigFault[] {
  return Array.isArray(value);
}

function absolute(folder: string, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

function withAbsoluteFile<Account extends { readonly passwordFile: string }>(
  folder: string,
  account: Account | null,
): Account | null {
  if (account === null) return null;
  return { ...account, passwordFile: absolute(folder, account.passwordFile) };
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
