import { lexicographicSortSchema, printSchema } from 'graphql';
import { builder } from './builder.ts';
import './account.ts';
import './administration.ts';
import './audit.ts';
import './email.ts';
import './ending.ts';
import './errors.ts';
import './login.ts';
import './node.ts';
import './password.ts';
import './session.ts';
import './session-data.ts';
import './sign-up.ts';
import './start-session.ts';
import './user.ts';
import './user-sessions.ts';

export const schema = builder.toSchema();

/** The schema as `schema.graphql` holds it: sorted, so that its history shows what changed and nothing else. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
