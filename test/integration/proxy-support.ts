import { connect } from 'node:net';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import { concatBytes } from '../../base/bytes.ts';
import { SystemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { Capability } from '../../mysql-bridge/protocol/constants.ts';
import { writeHandshakeResponse } from '../../mysql-bridge/protocol/handshake.ts';
import { encodePacket } from '../../mysql-bridge/protocol/packet-writer.ts';
import {
  createProxy,
  defaultProxyLimits,
  type NodeProxy,
  type ProxyOptions,
} from '../../proxy/index.ts';
import { FakeLeader } from '../proxy/fake-leader.ts';
import { RawStream } from '../proxy/raw-stream.ts';
import type { TestMySql } from '../support/mysql-server.ts';
import { startPrimary } from './source-support.ts';

// A proxy with real workers in front of a real server, and a leader that confirms when the test says so.

export interface TestProxy extends AsyncDisposable {
  readonly proxy: NodeProxy;
  readonly leader: FakeLeader;
  /** Closed with the proxy. Errors of idle connections surface at their next statement. */
  connect(options?: Partial<ConnectionOptions>): Promise<Connection>;
}

export async function startProxy(options: Partial<ProxyOptions> = {}): Promise<TestProxy> {
  const leader = new FakeLeader();
  const anyPort = { host: '127.0.0.1', port: 0 };
  const proxy = createProxy({
    addresses: {
      readWrite: anyPort,
      readOnly: anyPort,
      forwardReadWrite: anyPort,
      forwardReadOnly: anyPort,
    },
    host: leader,
    killConnections: () => Promise.resolve(),
    readMode: 'read-index',
    workers: 2,
    reservedUsers: ['binraft'],
    clock: new SystemClock(),
    logger: silentLogger,
    ...options,
    limits: { ...defaultProxyLimits, ...options.limits },
  });
  await proxy.open();
  const connections: Connection[] = [];
  return {
    proxy,
    leader,
    async connect(connectionOptions = {}) {
      const connection = await createConnection({
        host: '127.0.0.1',
        port: proxy.ports.readWrite,
        user: 'app',
        password: 'secret',
        multipleStatements: true,
        ...connectionOptions,
      });
      connection.on('error', () => undefined);
      connections.push(connection);
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await proxy.close();
    },
  };
}

/** A server with the accounts that the tests log in with, and the database `app`. */
export async function startAppServer(serverId: number): Promise<TestMySql> {
  const server = await startPrimary(serverId);
  const connection = await server.connect();
  await connection.query(
    `CREATE USER app IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app;
     CREATE USER other IDENTIFIED BY 'second'; GRANT SELECT ON app.* TO other;
     CREATE USER raw IDENTIFIED BY ''; GRANT ALL ON *.* TO raw;
     CREATE DATABASE app`,
  );
  return server;
}

/** The proxy serves both ports from this server, as its primary. */
export function serve({ proxy }: TestProxy, server: TestMySql): void {
  const target = { kind: 'local', port: server.server.port } as const;
  proxy.setView({ readWrite: target, readOnly: target });
  proxy.openGate(1);
}

export async function scalarOf(connection: Connection, sql: string): Promise<unknown> {
  const [rows] = await connection.query({ sql, rowsAsArray: true });
  return Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0][0] : undefined;
}

const rawCapabilities =
  Capability.protocol41 |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.transactions |
  Capability.multiStatements |
  Capability.multiResults |
  Capability.psMultiResults |
  Capability.localFiles;

/**
 * Logs in as `raw`, sends all commands and a quit at once, and answers everything the server sent after the log-in, up to
 * its end. The server works through them in order, so no end of a response has to be known here.
 */
export async function rawDialogue(
  port: number,
  commands: readonly Uint8Array[],
  options: { readonly deprecatesEof: boolean },
): Promise<Uint8Array> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const stream = new RawStream(socket);
  await stream.packet();
  const capabilities = rawCapabilities | (options.deprecatesEof ? Capability.deprecateEof : 0);
  const answer = writeHandshakeResponse({
    capabilities,
    packetBytesMax: 1 << 24,
    characterSet: 45,
    user: 'raw',
    authResponse: new Uint8Array(0),
    database: null,
    authPlugin: 'caching_sha2_password',
    attributes: [],
  });
  socket.write(encodePacket(answer, 1));
  await stream.packet();
  socket.write(concatBytes([...commands, encodePacket(new Uint8Array([1]), 0)]));
  return await stream.rest();
}
