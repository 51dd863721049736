import { connect } from 'node:net';
import { LearnedForecast } from '../core/commit-forecast.ts';
import type { SessionWorld } from './session-socket.ts';

const keepAliveMs = 10_000;

/** Real sockets and the operating system's clock. */
export const systemWorld: SessionWorld = {
  monotonicNs: () => process.hrtime.bigint(),
  connect: ({ host, port }) => {
    const socket = connect({ host, port, noDelay: true });
    socket.setKeepAlive(true, keepAliveMs);
    return socket;
  },
  createForecast: () => new LearnedForecast(),
};
