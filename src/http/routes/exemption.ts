import type { Exemption } from '../../trusted-documents/plugin.ts';
import type { AppOptions } from '../front-door.ts';
import type { ServerContext } from './yoga.ts';

/**
 * Returns the exemption from trusted documents: administrators may execute any document, so that they can use GraphiQL.
 * The session is read before the document is parsed, as it is after that for a valid document. So a stranger causes no
 * more work than with `{ __typename }`, and none without a token.
 *
 * Pages of other origins are applications, for which the operator trusts documents. They get no exemption: a script
 * that was injected into one cannot use an administrator's cookie for more than the application does.
 */
export function exemptionOf({ config }: AppOptions): Exemption<ServerContext> {
  return async (context, { headers }) => {
    const origin = headers.get('origin');
    if (origin !== null && origin !== config.publicUrl.origin && config.allowedOrigins.has(origin)) return false;
    await context.resume();
    return context.caller.scope.isAdmin;
  };
}
