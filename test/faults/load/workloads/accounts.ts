import {
  type ClientWorkload,
  faultsDatabase,
  readWriteSession,
  type SessionContext,
  type Step,
} from '../client-workload.ts';
import { change, lookUp, type ObjectChange } from './objects.ts';

// CREATE USER, DROP USER, GRANT and REVOKE (HAZARDS G8): an account or a grant that was acknowledged is there, on every node.

const accountsPerSession = 10;

export const accounts: ClientWorkload = {
  name: 'accounts',
  rateMax: 8,
  schema: [],
  sessions: [readWriteSession({ count: 1, account: 'changer', begin })],
  isDoomed: false,
  // Each session's own reads are among its changes; what nodes hold in the end is compared account by account.
  final: () => [],
};

function begin(context: SessionContext): Step {
  const { random } = context;
  const names = Array.from({ length: accountsPerSession }, () => `u_${context.uniqueNumber()}`);
  return async () => {
    const name = names[random.below(0, names.length)] ?? '';
    const grant = `${name} may select`;
    const kind = random.below(0, 8);
    if (kind === 0)
      await look(context, name, `SELECT COUNT(*) AS found FROM mysql.user WHERE user = '${name}'`);
    else if (kind === 1)
      await look(context, grant, `SELECT COUNT(*) AS found FROM mysql.db WHERE user = '${name}'`);
    else if (kind < 4) {
      await make(context, name, 'there', `CREATE USER ${name} IDENTIFIED BY 'a-password'`);
    } else if (kind === 4) {
      const dropped = await make(context, name, 'gone', `DROP USER ${name}`);
      // Its grants are gone with it, in the same statement; a register has one value at a time, so they are named anew.
      if (dropped !== 'fail') names[names.indexOf(name)] = `u_${context.uniqueNumber()}`;
    } else if (kind < 7) {
      await make(context, grant, 'there', `GRANT SELECT ON ${faultsDatabase}.* TO ${name}`);
    } else {
      await make(context, grant, 'gone', `REVOKE SELECT ON ${faultsDatabase}.* FROM ${name}`);
    }
  };
}

async function make(
  context: SessionContext,
  object: string,
  presence: ObjectChange['presence'],
  sql: string,
): Promise<string> {
  return (await change(context, { stream: 'accounts', object, presence, sql })).type;
}

async function look(context: SessionContext, object: string, sql: string): Promise<void> {
  await lookUp(context, { stream: 'accounts', object, sql });
}
