import type { RowDataPacket } from 'mysql2/promise';
import { connectRoot } from '../../support/root-connection.ts';

const systemSchemas = "'mysql', 'sys', 'performance_schema', 'information_schema'";

/** Everything that must be equal on all nodes of a cluster at rest (HAZARDS G8), a line each, by kind. */
export interface NodeContents {
  readonly schema: readonly string[];
  readonly accounts: readonly string[];
  readonly checksums: readonly string[];
}

/** By root, on the node's own server. Accounts of this machine alone are the node's own, with passwords of their own. */
export async function contentsOf(node: { readonly directory: string }): Promise<NodeContents> {
  await using root = await connectRoot(node);
  const lines = async (sql: string): Promise<readonly string[]> => {
    const [rows] = await root.query<RowDataPacket[]>(sql);
    return rows.map((row) => Object.values(row).join(' ')).sort();
  };
  const [tables] = await root.query<RowDataPacket[]>(
    `SELECT CONCAT('\`', table_schema, '\`.\`', table_name, '\`') AS name FROM information_schema.tables
      WHERE table_type = 'BASE TABLE' AND table_schema NOT IN (${systemSchemas})`,
  );
  const names = tables.map((row) => String(row['name'])).sort();
  return {
    schema: await lines(
      `SELECT table_schema, table_name, ordinal_position, column_name, column_type, is_nullable, column_key
         FROM information_schema.columns WHERE table_schema NOT IN (${systemSchemas})`,
    ),
    accounts: [
      ...(await lines(
        "SELECT user, host, HEX(authentication_string), account_locked FROM mysql.user WHERE host = '%'",
      )),
      ...(await lines("SELECT * FROM mysql.db WHERE host = '%'")),
    ],
    checksums: names.length === 0 ? [] : await lines(`CHECKSUM TABLE ${names.join(', ')}`),
  };
}

/** What differs from the first node, in words. */
export function contentDifferences(
  first: { readonly id: string; readonly contents: NodeContents },
  other: { readonly id: string; readonly contents: NodeContents },
): readonly string[] {
  return (['schema', 'accounts', 'checksums'] as const).flatMap((kind) => {
    const here = new Set(first.contents[kind]);
    const there = new Set(other.contents[kind]);
    const onlyHere = [...here.difference(there)];
    const onlyThere = [...there.difference(here)];
    const count = onlyHere.length + onlyThere.length;
    if (count === 0) return [];
    return [
      `${kind} of ${other.id} differ from ${first.id} in ${count} lines: ${first.id} alone has ${example(onlyHere)}, ${other.id} alone ${example(onlyThere)}`,
    ];
  });
}

function example([line]: readonly string[]): string {
  return line === undefined ? 'nothing' : `"${line.slice(0, 120)}"`;
}
