import { lexicographicSortSchema, specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';
import { printWithDirectives, semanticNonNull } from './plugins/semantic-non-null.ts';
import './mutations/profile.ts';
import './mutations/access-token.ts';
import './mutations/administration.ts';
import './types/audit-event.ts';
import './mutations/email.ts';
import './mutations/end-sessions.ts';
import './errors.ts';
import './mutations/sign-in.ts';
import './types/node.ts';
import './mutations/password.ts';
import './types/service-client.ts';
import './types/session.ts';
import './types/session-connection.ts';
import './mutations/session-data.ts';
import './mutations/service-clients.ts';
import './mutations/sign-up.ts';
import './mutations/start-session.ts';
import './types/user.ts';
import './types/user-sessions.ts';

export const schema = builder.toSchema({ directives: [...specifiedDirectives, semanticNonNull] });

/** Returns the text of `schema.graphql`. It is sorted, so that its history shows only real changes. */
export function printedSchema(): string {
  return `${printWithDirectives(lexicographicSortSchema(schema))}\n`;
}
