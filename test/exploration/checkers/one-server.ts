import type { Checker } from './checker.ts';

/** ARCHITECTURE, "Becoming primary, and ceasing to be": the log decides, then the database starts. One mysqld per data folder. */
export const oneServer: Checker = {
  property: 'one server',
  onEvent: (event) =>
    event.kind === 'overlapped' ? `${event.task} begins while a mysqld runs on the data` : null,
};
