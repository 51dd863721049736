/** A statement that the server remembers (`performance_schema`), or all of one form. */
export interface StatementTrace {
  /** As it was sent, or as a digest has it: `?` for each value, `@?` for each variable of a user. */
  readonly text: string;
  /** The stored program that it is part of, `sys.diagnostics`; null for none, and when the server does not tell. */
  readonly program: string | null;
  /** `user@host`; null when its session is gone. */
  readonly account: string | null;
  /** When it last ran, in UTC; null when the server does not tell. */
  readonly at: string | null;
}

/** What MySQL ships that turns the binlog off around temporary tables, and on again. */
const harmlessPrograms: ReadonlySet<string> = new Set([
  'sys.diagnostics',
  'sys.ps_setup_reload_saved',
  'sys.ps_setup_save',
  'sys.ps_trace_statement_digest',
  'sys.ps_trace_thread',
  'sys.statement_performance_analyzer',
]);
const textLengthMax = 200;

/**
 * Why a server cannot be trusted any more: a session of it turned its binlog off. What it wrote then has no GTID, so nothing
 * else can ever tell whether it wrote at all. Null when no trace says so. All traces are of statements that took effect.
 */
export function unloggedWrite(traces: readonly StatementTrace[]): string | null {
  const found = traces.filter(
    (one) => !harmlessPrograms.has(one.program ?? '') && turnsBinlogOff(one.text),
  );
  // Whoever is still there is named.
  const [trace] = found.toSorted((left, right) => knownOf(right) - knownOf(left));
  if (trace === undefined) return null;
  const { text, program, account, at } = trace;
  const words = [
    text.slice(0, textLengthMax),
    ...(program === null ? [] : [`in ${program}`]),
    account === null ? 'by a session that is gone' : `by ${account}`,
    ...(at === null ? [] : [`at ${at} UTC`]),
  ];
  return `MYSQL_BINLOG_OFF: a session turned its binlog off, so nothing tells what it wrote: ${words.join(', ')}`;
}

function knownOf({ account, program }: StatementTrace): number {
  return (account === null ? 0 : 2) + (program === null ? 0 : 1);
}

/**
 * Does this statement set `sql_log_bin` to something that is not plainly ON? A value that the text does not show counts: a
 * suspicion is enough. Reading it, as `mysqldump` does to restore it later, is none.
 */
export function turnsBinlogOff(text: string): boolean {
  const tokens = tokensOf(text);
  const begin = tokens[0] === 'execute' ? 1 : 0;
  if (tokens[begin] !== 'set') return false;
  return assignmentsOf(tokens.slice(begin + 1)).some(isOff);
}

const plainlyOn: ReadonlySet<string> = new Set(['on', 'true', '1', "'on'", '"on"', 'default']);
const scopes: ReadonlySet<string> = new Set(['session', 'local']);

function isOff(tokens: readonly string[]): boolean {
  const [name, assign, ...value] = withoutScope(tokens);
  if (name !== 'sql_log_bin' || (assign !== '=' && assign !== ':=')) return false;
  return value.length !== 1 || !plainlyOn.has(value[0] ?? '');
}

/** `SESSION x`, `@@x`, `@@session.x` and `x` are one variable. */
function withoutScope(tokens: readonly string[]): readonly string[] {
  const isSystem = tokens[0] === '@@';
  const named = isSystem ? tokens.slice(1) : tokens;
  if (!scopes.has(named[0] ?? '')) return named;
  return isSystem && named[1] === '.' ? named.slice(2) : named.slice(1);
}

/** Cut at the commas between assignments, not at those within one. */
function assignmentsOf(tokens: readonly string[]): readonly (readonly string[])[] {
  const assignments: string[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (token === ',' && depth === 0) assignments.push([]);
    else assignments.at(-1)?.push(token);
  }
  return assignments;
}

/** A stored program that is one statement has lost the space: `SETsql_log_bin = 0`. No other statement begins with these letters. */
const gluedSet = /^\s*SET(?=\S)/i;

/**
 * In lower case, without comments and the marks around names. What `/*!80000 … *\/` encloses is part of the statement.
 * MySQL has parsed it before: what is not understood here is no assignment.
 */
function tokensOf(text: string): readonly string[] {
  const found = text
    .replace(gluedSet, 'SET ')
    .matchAll(
      /(?<comment>\/\*!(?:\d{5,6})?|\*\/|\/\*(?!!)[\s\S]*?\*\/|--\s[^\n]*|#[^\n]*)|(?<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")|`(?<quoted>(?:[^`]|``)*)`|(?<word>@@|:=|[\w$@?]+|[^\s\w])/g,
    );
  const tokens: string[] = [];
  for (const { groups } of found) {
    const token = groups?.['string'] ?? groups?.['quoted'] ?? groups?.['word'];
    if (token !== undefined) tokens.push(token.toLowerCase());
  }
  return tokens;
}
