import type { ErrPacket } from '../protocol/err-packet.ts';
import { unknownVariable, unsupportedQuery } from './source-error.ts';

// The statements that a replica (8.0.26 to 9.7), `mysqlbinlog`, `mysql` and change-capture clients send before a dump. There is no
// SQL here: a statement has one of these forms, or it is refused.

/** What the variables of this source are. Names in lower case. */
export interface SourceFacts {
  readonly unixSeconds: number;
  readonly user: string;
  readonly connectionId: number;
  systemVariable(name: string): string | null;
}

export type SourceAnswer =
  | {
      readonly kind: 'rows';
      readonly names: readonly string[];
      readonly row: readonly (string | null)[] | null;
    }
  | { readonly kind: 'variables-set'; readonly variables: ReadonlyMap<string, string> }
  | { readonly kind: 'err'; readonly err: ErrPacket };

const sqlLengthMax = 4096;
const expressionsMax = 32;
/** Longer than any value that a replica sets, a UUID in quotes. */
const valueLengthMax = 256;

/** `variables`: what this session has set, names in lower case. */
export function answerQuery(
  sql: string,
  facts: SourceFacts,
  variables: ReadonlyMap<string, string>,
): SourceAnswer {
  if (sql.length > sqlLengthMax) return refuse(unsupportedQuery());
  const text = sql
    .replace(/^\s*\/\*[^*]*\*\/\s*/, '')
    .replace(/[\s;]+$/, '')
    .trim();
  const select = /^select\s+(.+?)(?:\s+limit\s+1)?$/is.exec(text)?.[1];
  if (select !== undefined) return answerSelect(select, facts, variables);
  const like = /^show\s+(?:(?:global|session)\s+)?variables\s+like\s+'([\w%]{1,64})'$/i.exec(
    text,
  )?.[1];
  if (like !== undefined) return answerShow(like, facts);
  const set = /^set\s+(.+)$/is.exec(text)?.[1];
  if (set !== undefined) return answerSet(set, facts);
  return refuse(unsupportedQuery());
}

function answerSelect(
  list: string,
  facts: SourceFacts,
  variables: ReadonlyMap<string, string>,
): SourceAnswer {
  const expressions = splitList(list);
  if (expressions === null) return refuse(unsupportedQuery());
  const names: string[] = [];
  const row: (string | null)[] = [];
  for (const expression of expressions) {
    const { value, name } = withoutAlias(expression);
    const found = evaluate(value, facts, variables);
    if (found.kind === 'err') return found;
    names.push(name);
    row.push(found.value);
  }
  return { kind: 'rows', names, row };
}

function evaluate(
  expression: string,
  facts: SourceFacts,
  variables: ReadonlyMap<string, string>,
):
  | { readonly kind: 'value'; readonly value: string | null }
  | Extract<SourceAnswer, { kind: 'err' }> {
  const lower = expression.toLowerCase();
  const system = systemVariableName(lower);
  if (system !== null) {
    const value = facts.systemVariable(system);
    return value === null ? refuse(unknownVariable(system)) : { kind: 'value', value };
  }
  const own = /^@([\w$.]{1,64})$/.exec(lower)?.[1];
  if (own !== undefined) return { kind: 'value', value: variables.get(own) ?? null };
  if (/^\d{1,18}$/.test(lower)) return { kind: 'value', value: lower };
  switch (lower.replace(/\s/g, '')) {
    case 'unix_timestamp()':
      return { kind: 'value', value: String(facts.unixSeconds) };
    case 'version()':
      return { kind: 'value', value: facts.systemVariable('version') };
    case 'connection_id()':
      return { kind: 'value', value: String(facts.connectionId) };
    case 'user()':
    case 'current_user()':
      return { kind: 'value', value: facts.user };
    case 'database()':
      return { kind: 'value', value: null };
    default:
      return refuse(unsupportedQuery());
  }
}

function answerShow(pattern: string, facts: SourceFacts): SourceAnswer {
  const name = pattern.toLowerCase();
  const value = facts.systemVariable(name);
  const row = value === null ? null : [name, value];
  return { kind: 'rows', names: ['Variable_name', 'Value'], row };
}

/** Only `@variables` are kept, as those steer a dump; what would steer a session of SQL has nothing to act on. */
function answerSet(list: string, facts: SourceFacts): SourceAnswer {
  const assignments = splitList(list);
  if (assignments === null) return refuse(unsupportedQuery());
  const variables = new Map<string, string>();
  for (const assignment of assignments) {
    const [, name, value] = /^@([\w$.]{1,64})\s*:?=\s*(.+)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined) continue;
    if (value.length > valueLengthMax) return refuse(unsupportedQuery());
    const system = systemVariableName(value.toLowerCase());
    if (system === null) {
      variables.set(
        name.toLowerCase(),
        value.replace(/^'(.*)'$/s, '$1').replace(/^"(.*)"$/s, '$1'),
      );
      continue;
    }
    // `@source_binlog_checksum = @@global.binlog_checksum`: the replica takes over what this source has.
    const found = facts.systemVariable(system);
    if (found === null) return refuse(unknownVariable(system));
    variables.set(name.toLowerCase(), found);
  }
  return { kind: 'variables-set', variables };
}

function systemVariableName(lower: string): string | null {
  return /^@@(?:(?:global|session|local)\.)?([\w.]{1,64})$/.exec(lower)?.[1] ?? null;
}

function withoutAlias(expression: string): { readonly value: string; readonly name: string } {
  const [, value, alias] = /^(.+?)\s+as\s+[`'"]?(\w{1,64})[`'"]?$/is.exec(expression) ?? [];
  return value === undefined || alias === undefined
    ? { value: expression, name: expression }
    : { value: value.trim(), name: alias };
}

/** At commas outside quotes; null when a quote stays open or there are too many parts. */
function splitList(list: string): string[] | null {
  const parts: string[] = [];
  let start = 0;
  let quote: string | null = null;
  for (let at = 0; at < list.length; at += 1) {
    const char = list.charAt(at);
    if (quote !== null) quote = char === quote ? null : quote;
    else if (char === "'" || char === '"' || char === '`') quote = char;
    else if (char === ',') {
      parts.push(list.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(list.slice(start).trim());
  return quote !== null || parts.length > expressionsMax ? null : parts;
}

function refuse(err: ErrPacket): Extract<SourceAnswer, { kind: 'err' }> {
  return { kind: 'err', err };
}
