// The statements that stand in the binlog as text, and the schema that all tables are in. The same text goes to a real server.

export const simSchema = 'sim';

/** A schema object that DDL changes, atomically with its GTID. */
export type SchemaChange =
  | { readonly kind: 'create-table'; readonly table: string }
  | { readonly kind: 'drop-table'; readonly table: string }
  | { readonly kind: 'alter-table'; readonly table: string; readonly comment: string }
  | { readonly kind: 'create-user'; readonly user: string }
  | { readonly kind: 'drop-user'; readonly user: string };

const identifier = /^[a-z][a-z0-9_]{0,31}$/;

export function isIdentifier(name: string): boolean {
  return identifier.test(name);
}

export function schemaChangeText(change: SchemaChange): string {
  switch (change.kind) {
    case 'create-table':
      return `CREATE TABLE ${change.table} (k VARBINARY(64) PRIMARY KEY, v MEDIUMBLOB NOT NULL)`;
    case 'drop-table':
      return `DROP TABLE ${change.table}`;
    case 'alter-table':
      return `ALTER TABLE ${change.table} COMMENT = '${change.comment}'`;
    case 'create-user':
      return `CREATE USER '${change.user}'@'%'`;
    case 'drop-user':
      return `DROP USER '${change.user}'@'%'`;
  }
}

const createTable = /^CREATE TABLE `?(\w+)`? \(/;
const dropTable = /^DROP TABLE `?(\w+)`?/;
const alterTable = /^ALTER TABLE `?(\w+)`? COMMENT = '(\w*)'$/;
const createUser = /^CREATE USER '(\w+)'@'%'/;
const dropUser = /^DROP USER '(\w+)'@'%'/;

/** Null for a statement that changes nothing which is modelled (CREATE DATABASE, ANALYZE). */
export function parseSchemaChange(text: string): SchemaChange | null {
  const [, created] = createTable.exec(text) ?? [];
  if (created !== undefined) return { kind: 'create-table', table: created };
  const [, dropped] = dropTable.exec(text) ?? [];
  if (dropped !== undefined) return { kind: 'drop-table', table: dropped };
  const [, altered, comment = ''] = alterTable.exec(text) ?? [];
  if (altered !== undefined) return { kind: 'alter-table', table: altered, comment };
  const [, user] = createUser.exec(text) ?? [];
  if (user !== undefined) return { kind: 'create-user', user };
  const [, gone] = dropUser.exec(text) ?? [];
  if (gone !== undefined) return { kind: 'drop-user', user: gone };
  return null;
}
