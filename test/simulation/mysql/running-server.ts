import { CommitPipeline } from './commit-pipeline.ts';
import { DumpSenders } from './dump-senders.ts';
import { type Steps, WaitList } from './fibers.ts';
import { GtidState } from './gtid-state.ts';
import { type RecoveredGtids, recover } from './recovery.ts';
import { ReplicaApplier } from './replica-applier.ts';
import { ReplicaReceiver } from './replica-receiver.ts';
import { Semisync } from './semisync.ts';
import type { ServerLife } from './server-life.ts';
import { ServerStatements } from './server-statements.ts';
import { SessionStatements } from './session-statements.ts';
import { Sessions } from './sessions.ts';

/** How long a shutdown lets dumps live while other sessions are there: 8.60 s and 8.64 s were measured. */
const dumpPatienceMs = 8600;

interface RunningServerEvents {
  readonly nextConnection: () => number;
  readonly onStarted: (server: RunningServer) => void;
  readonly onExit: (why: 'shut-down' | 'cannot-recover') => void;
}

/** The parts of a server that has started, wired. */
export class RunningServer {
  readonly #life: ServerLife;
  readonly #events: RunningServerEvents;
  readonly #pipeline: CommitPipeline;
  readonly #applier: ReplicaApplier;
  readonly semisync: Semisync;
  readonly receiver: ReplicaReceiver;
  readonly sessions: Sessions;
  readonly #sessionEnded: WaitList;

  private constructor(life: ServerLife, gtids: RecoveredGtids, events: RunningServerEvents) {
    this.#life = life;
    this.#events = events;
    const { fibers, disk } = life;
    const state = new GtidState({
      serverUuid: disk.serverUuid,
      executed: gtids.executed,
      logged: gtids.logged,
      fibers,
    });
    this.semisync = new Semisync(life);
    const dumps = new DumpSenders(life, state, this.semisync);
    const { semisync } = this;
    this.#pipeline = new CommitPipeline({
      life,
      semisync,
      gtids: state,
      publish: () => dumps.publish(),
    });
    const pipeline = this.#pipeline;
    this.#applier = new ReplicaApplier(life, state, pipeline);
    const applier = this.#applier;
    this.receiver = new ReplicaReceiver({
      life,
      gtids: state,
      applier,
      nextConnection: events.nextConnection,
    });
    const { receiver } = this;
    this.#sessionEnded = new WaitList(fibers);
    this.sessions = new Sessions({
      life,
      own: new SessionStatements(life, pipeline),
      server: new ServerStatements({ life, pipeline, gtids: state, semisync, receiver, applier }),
      dumps,
      shutDown: () => this.shutDown(),
      onQuiet: () => this.#sessionEnded.wakeAll(),
    });
  }

  /** Crash recovery, a new binlog file, and then the server listens. */
  static *start(life: ServerLife, events: RunningServerEvents): Steps {
    yield* life.work('recover');
    const gtids = recover(life.disk);
    if (gtids === null) {
      events.onExit('cannot-recover');
      return;
    }
    for (const transaction of gtids.committed) {
      const { gtid } = transaction;
      life.emit({ kind: 'committed', gtid, content: transaction, by: 'recovery' });
    }
    life.disk.binlog.open(gtids.logged, life.identity, true);
    events.onStarted(new RunningServer(life, gtids, events));
    life.emit({ kind: 'started' });
  }

  flushRedo(): void {
    this.#life.disk.engine.syncRedo();
  }

  /**
   * SIGTERM: connections are closed and their transactions rolled back; what waits for an ack may get it for a while yet. Then the
   * dumps are ended, and whatever still waits is released and commits (FACTS §2, "SEMISYNC: Forced shutdown").
   */
  shutDown(): void {
    if (this.#life.isShuttingDown) return;
    this.#life.isShuttingDown = true;
    this.#life.fibers.spawn(this.#shutDown());
  }

  *#shutDown(): Steps {
    const { disk, identity } = this.#life;
    this.receiver.stop();
    this.#applier.abandon();
    this.sessions.closeAll();
    const cancel = this.#life.timer('end-dumps', dumpPatienceMs, () => this.#endDumps());
    while (!this.sessions.isQuiet) yield* this.#sessionEnded.wait({ isInterruptible: false });
    cancel();
    this.#endDumps();
    yield* this.#applier.stop();
    yield* this.#pipeline.drained();
    yield* this.#life.work('shut-down');
    disk.binlog.close('stop', identity);
    disk.engine.syncRedo();
    this.#events.onExit('shut-down');
  }

  #endDumps(): void {
    this.sessions.closeDumps();
    this.semisync.release();
  }
}
