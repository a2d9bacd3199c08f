import type { Clock } from './clock.ts';
import type { Database } from './database.ts';

/** In milliseconds. Beginning takes as long as somebody else may keep a lock; what comes then is quick. */
export const transactionOptions = { maxWait: 4_500, timeout: 4_500 };

/** Gives up what was taken. */
export type Release = () => void | Promise<void>;

export type OnQuery = (sql: string) => void;

export type OpenOptions = {
  /** How many connections may be open at once, where a database has more than one. */
  poolSize?: number | undefined;
  /** Is told the SQL of every statement that is sent. */
  onQuery?: OnQuery | undefined;
  /** Is given what goes wrong while nobody asks: a connection that breaks while it is idle. */
  report?: ((error: unknown) => void) | undefined;
};

/** What differs from one kind of database to another. Everything else is written once, for all of them. */
export type Dialect = {
  open(url: string, options: OpenOptions): Promise<Database>;
  /** Applies what is missing of the history, once however many ask, and returns the names of what it applied. */
  migrate(url: string): Promise<string[]>;
  /** Makes this process a server of the database, or throws a OperatorError where there can be no other. */
  claim(url: string): Promise<Release>;
  /** Whether there is a database to open. */
  exists(url: string): Promise<boolean>;
  /** The clock by which sessions end. */
  clock(database: Database): Promise<Clock>;
};
