import type { Database } from '../../database/database.ts';
import type { Exemption } from '../../trusted-documents/plugin.ts';
import type { AppOptions } from '../front-door.ts';
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

/**
 * Returns the exemption from trusted documents: administrators may execute any document, so that they can use GraphiQL.
 * The session is read before the document is parsed, as it is after that for a valid document. So a stranger causes no
 * more work than with `{ __typename }`, and none without a token.
 *
 * Pages of other origins are applications, for which the operator trusts documents. They get no exemption: a script
 * that was injected into one cannot use an administrator's cookie for more than the application does.
 */
export function exemptionOf({ database, config }: AppOptions): Exemption<ServerContext> {
  return async (context, { headers }) => {
    const origin = headers.get('origin');
    if (origin !== null && origin !== config.publicUrl.origin && config.allowedOrigins.has(origin)) return false;
    await resumeOnce(database, context);
    return context.caller.scope.isAdmin;
  };
}
