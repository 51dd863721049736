import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { cutBinlog } from '../mysql-bridge/binlog-cut.ts';
import { BinlogTail, type BinlogTailOptions } from '../mysql-bridge/binlog-tail.ts';
import type { BridgeParts, ClientGate } from '../mysql-bridge/bridge-parts.ts';
import { LogWalk } from '../mysql-bridge/ledger/log-walk.ts';
import type { TransactionLedger } from '../mysql-bridge/ledger/transaction-ledger.ts';
import { MySqlAdmin } from '../mysql-bridge/mysql-admin.ts';
import type { InternalAccount, MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import type { MysqldProcess } from '../mysql-bridge/server/mysqld-process.ts';
import type { Raft } from '../raft/raft-api.ts';

/** The dump of the present life of the server; its format description is what the source server sends first. */
export interface TailHolder {
  current: BinlogTail | null;
}

export interface BridgeWiring {
  readonly raft: Raft;
  readonly ledger: TransactionLedger;
  readonly server: MysqldProcess;
  readonly installation: MySqlInstallation;
  readonly account: InternalAccount;
  readonly gate: ClientGate;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tail: TailHolder;
  /** Who listens to what the tail does, if anybody. */
  readonly listeners: Pick<BinlogTailOptions, 'timings' | 'commitRounds'>;
  /** The node's own. */
  readonly dataDirectory: string;
  readonly dumpServerId: number;
  readonly dumpUuid: string;
}

/** Gives the bridge its real parts. */
export function bridgeParts(wiring: BridgeWiring): BridgeParts {
  const { raft, ledger, server, account, clock, logger, tail } = wiring;
  return {
    raft,
    server,
    ledger,
    gate: wiring.gate,
    clock,
    logger,
    connectAdmin: () =>
      MySqlAdmin.connect({
        adminPort: server.adminPort,
        socketPath: server.socketPath,
        account,
        version: wiring.installation.version,
        clock,
      }),
    createTail: () => {
      tail.current = new BinlogTail({
        socketPath: server.socketPath,
        account,
        serverId: wiring.dumpServerId,
        replicaUuid: wiring.dumpUuid,
        raft,
        isLogged: (gtid) => ledger.hasTransaction(gtid),
        clock,
        logger,
        ...wiring.listeners,
      });
      return tail.current;
    },
    cutBinlog: async (isCommitted) => {
      const cut = await cutBinlog({
        dataDirectory: server.dataDirectory,
        baseName: 'binlog',
        isCommitted,
        logged: new LogWalk({ log: raft, ledger }),
        saveDirectory: join(wiring.dataDirectory, 'cut-binlogs'),
      });
      return cut.kind === 'cut' ? cut.gtids : [];
    },
  };
}
