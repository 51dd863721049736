import type { BinlogFile, BinlogFiles } from '../../../mysql-bridge/binlog-cut.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimMysqlDisk } from '../mysql/sim-mysql-disk.ts';
import type { MysqldHost } from './mysqld-host.ts';

const stepUsMax = 3_000;

/** The binlog files of a stopped simulated server, for the product's own cut. A server that runs on them breaks G2. */
export function binlogFilesOf(mysqld: MysqldHost, process: SimProcess): BinlogFiles {
  const random = process.simulation.random(`binlog cut ${process.host.name}`);
  const checkStopped = (what: string): void =>
    process.simulation.check(
      mysqld.process === null,
      'G2',
      () => `${process.name} ${what} the binlog under a running ${mysqld.name}`,
    );
  /** Each step takes its time, so that a crash may fall between any two. */
  const taking = (): Promise<void> =>
    new Promise((resolve) => {
      process.simulation.after(random.below(20, stepUsMax), () => process.enter(resolve));
    });
  const disk = (): SimMysqlDisk => {
    const { program } = mysqld;
    if (program === null) throw new Error('ENOENT: no data folder');
    return program.disk;
  };
  return {
    readIndex: async () => {
      await taking();
      checkStopped('reads');
      return disk().binlog.all.map(({ name }) => name);
    },
    open: async (name) => {
      await taking();
      const file = disk().binlog.all.find((each) => each.name === name);
      if (file === undefined) throw new Error(`ENOENT: ${name}`);
      const bytes = file.bytes();
      const opened: BinlogFile = {
        stat: () => Promise.resolve({ size: BigInt(file.length) }),
        read: (buffer, offset, length, position) => {
          const part = bytes.subarray(position, position + length);
          buffer.set(part, offset);
          return Promise.resolve({ bytesRead: part.length });
        },
        truncate: async (length) => {
          await taking();
          if (!process.act()) return;
          checkStopped('cuts');
          disk().truncateBinlog(name, length);
        },
        sync: taking,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      return opened;
    },
  };
}
