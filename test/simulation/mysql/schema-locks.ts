import type { Engine } from './engine.ts';
import { SimSqlError, type Steps } from './fibers.ts';
import type { LockOwner, LockTable } from './lock-table.ts';
import type { SchemaChange } from './sql-text.ts';
import { SimError } from './statements.ts';

/**
 * What DDL locks: the metadata of its table, or, for an account, the access control lists as a whole. Held until the commit is
 * over, so that while a CREATE USER waits for its ack nobody can log in.
 */
export function takeSchemaLocks(locks: LockTable, owner: LockOwner, change: SchemaChange): Steps {
  const isAccount = change.kind === 'create-user' || change.kind === 'drop-user';
  const resource = isAccount ? 'acl' : `metadata:${change.table}`;
  return locks.acquire(owner, resource, 'X');
}

/** Throws the error that MySQL gives when the object is there, or is not. */
export function checkSchemaChange(engine: Engine, change: SchemaChange): void {
  switch (change.kind) {
    case 'create-table':
      if (!engine.hasTable(change.table)) return;
      throw new SimSqlError(SimError.tableExists, `Table '${change.table}' already exists`);
    case 'drop-table':
      if (engine.hasTable(change.table)) return;
      throw new SimSqlError(SimError.unknownTable, `Unknown table 'sim.${change.table}'`);
    case 'alter-table':
      if (engine.hasTable(change.table)) return;
      throw new SimSqlError(SimError.noSuchTable, `Table 'sim.${change.table}' doesn't exist`);
    case 'create-user':
      if (!engine.hasUser(change.user)) return;
      throw cannotUser('CREATE', change.user);
    case 'drop-user':
      if (engine.hasUser(change.user)) return;
      throw cannotUser('DROP', change.user);
  }
}

function cannotUser(word: string, user: string): SimSqlError {
  return new SimSqlError(SimError.cannotUser, `Operation ${word} USER failed for '${user}'@'%'`);
}
