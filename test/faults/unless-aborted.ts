/** Settles as the work does, or rejects as soon as the signal comes: what the work goes on to do then is nobody's concern any more. */
export async function unlessAborted<Answer>(
  work: Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  // Who gives up does not hear how the work ended.
  work.catch(() => undefined);
  aborted.promise.catch(() => undefined);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
