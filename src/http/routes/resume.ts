import type { Database } from '../../database/database.ts';
import { noteCaller } from '../observe/note-caller.ts';
import type { RequestCaller } from './caller.ts';
import type { ServerContext } from './yoga.ts';

const resuming = new WeakMap<RequestCaller, Promise<void>>();

/** Reads the session of the caller, once per request. */
export function resumeOnce(database: Database, { caller, facts }: ServerContext): Promise<void> {
  const running = resuming.get(caller) ?? caller.resume(database).then(() => noteCaller(facts, caller.scope));
  resuming.set(caller, running);
  return running;
}
