import type { Config } from '../config/config.ts';
import { type LogReader, openLogReader } from '../events/log-reader.ts';
import { openStreams, type Streams } from '../streams/streams.ts';
import type { Store } from './store.ts';

/** The live streams of a server, with the reader of the log that they follow. */
export type ServerStreams = Streams & { log: LogReader };

/** Opens the live streams of a server. They read nothing before a client subscribes. */
export function startStreams(
  { database, clock }: Pick<Store, 'database' | 'clock'>,
  config: Config,
  report: (error: unknown) => void,
): ServerStreams {
  const log = openLogReader(database, report);
  const streams = openStreams({ database, log, clock, config, report });
  return {
    ...streams,
    log,
    async stop() {
      await streams.stop();
      await log.stop();
    },
  };
}
