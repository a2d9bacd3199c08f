import { GraphQLSchema, lexicographicSortSchema, specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';
import { schemaDescription } from './description.ts';
import { subgraphSdl } from './federation/sdl.ts';
import { gatewayQueries, withoutQueries } from './federation/without-queries.ts';
import { printWithDirectives, semanticNonNull } from './plugins/semantic-non-null.ts';
import './mutations/profile.ts';
import './mutations/access-token.ts';
import './mutations/administration.ts';
import './types/audit-event.ts';
import './mutations/devices.ts';
import './mutations/email.ts';
import './mutations/email-sign-in.ts';
import './mutations/sessions/end-sessions.ts';
import './errors.ts';
import './federation/entities.ts';
import './federation/service.ts';
import './mutations/sign-in.ts';
import './mutations/factors/complete-login.ts';
import './mutations/factors/authenticator-app.ts';
import './types/factors/second-factor.ts';
import './types/sessions/last-session.ts';
import './types/node.ts';
import './mutations/password.ts';
import './types/sessions/revocation.ts';
import './mutations/sessions/revoke-sessions.ts';
import './types/service-client.ts';
import './types/sessions/session.ts';
import './types/sessions/session-connection.ts';
import './mutations/sessions/session-data.ts';
import './mutations/service-clients.ts';
import './mutations/sign-up.ts';
import './mutations/sessions/start-session.ts';
import './subscriptions/admin-events.ts';
import './subscriptions/session-events.ts';
import './types/trusted-device.ts';
import './types/user.ts';
import './types/sessions/user-sessions.ts';
import './types/webhooks/webhook.ts';
import './types/webhooks/delivery.ts';
import './mutations/webhooks/manage.ts';
import './mutations/webhooks/replay.ts';

const built = builder.toSchema({ directives: [...specifiedDirectives, semanticNonNull] });

/** The schema with the queries for gateways (Apollo Federation 2). */
export const subgraphSchema = new GraphQLSchema({ ...built.toConfig(), description: schemaDescription });

export const schema = withoutQueries(subgraphSchema, gatewayQueries);

/** Returns the text of `schema.graphql`. It is sorted, so that its history shows only real changes. */
export function printedSchema(): string {
  return `${printWithDirectives(lexicographicSortSchema(schema))}\n`;
}

/** Returns the text that programs compose with those of other subgraphs. */
export function printedSubgraph(): string {
  return subgraphSdl(schema);
}
