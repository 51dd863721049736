import type { Http2Session } from 'node:http2';

/** What the sender may have on the way, unread: several appends of full size. Within what `queueBytesMax` lets wait anyway. */
const windowBytes = 8 * 1024 * 1024;

/**
 * Widens the HTTP/2 flow-control window of the connection under a call. HTTP/2 begins with 64 KiB (RFC 9113 §6.9.2): an append of
 * 2 MiB then takes 32 turns of both event loops, and the heartbeats behind it come too late on a busy machine. gRPC's
 * server has no option for it, so the session is looked up; where a later version hides it, the window stays small.
 * False then.
 */
export function widenReceiveWindow(call: unknown): boolean {
  const session = sessionOf(field(call, 'call')) ?? sessionOf(call);
  if (session === null || session.destroyed) return false;
  session.settings({ initialWindowSize: windowBytes });
  session.setLocalWindowSize(windowBytes);
  return true;
}

function sessionOf(call: unknown): Http2Session | null {
  const session = field(field(call, 'stream'), 'session');
  return isSession(session) ? session : null;
}

function field(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
}

function isSession(value: unknown): value is Http2Session {
  return (
    typeof field(value, 'settings') === 'function' &&
    typeof field(value, 'setLocalWindowSize') === 'function'
  );
}
