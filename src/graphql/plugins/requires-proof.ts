/**
 * Marks the fields that need recent proofs of the identity, with the directive `@requiresProof`, and checks these
 * proofs. So a client can ask for them before it sends the operation, and the mark is never without the check.
 */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import { DirectiveLocation, GraphQLDirective, type GraphQLFieldResolver, GraphQLInt, GraphQLNonNull } from 'graphql';
import type { Config } from '../../config/config.ts';
import { requireRecentProof } from '../../sessions/second-factor.ts';
import type { Context } from '../context.ts';
import { withDirective } from '../field-directives.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      requiresProof: RequiresProofPlugin<Types>;
    }

    export interface FieldOptions {
      /**
       * Whether the field needs recent proofs. `always`: they are checked before it is resolved. `sometimes`: its operation
       * calls `requireRecentProof`, and its description says when. By default `always` with the access `recentAdmin`, and
       * never with all others.
       */
      requiresProof?: 'always' | 'sometimes';
    }
  }
}

const name = 'requiresProof' as const;

/** The default of REAUTHENTICATE_AFTER. `schema.graphql` belongs to no server, so it cannot have another value. */
const defaultWithinSeconds = 15 * 60;

/** The level of accounts without a second factor. */
const baseLevel = 1;

export const requiresProof = new GraphQLDirective({
  name,
  description:
    'The field needs recent proofs of the identity in the session, always or in the cases that its description names. A ' +
    'client can call `reauthenticate` before it sends the operation. Accounts whose sign-ins need a second factor have to prove two factors, and the setting ' +
    'REAUTHENTICATE_AFTER changes the age: `ReauthenticationRequiredError` has the values of the account and the server.',
  locations: [DirectiveLocation.FIELD_DEFINITION],
  args: {
    within: { type: new GraphQLNonNull(GraphQLInt), description: 'The maximum age of the proofs, in seconds.' },
    level: {
      type: new GraphQLNonNull(GraphQLInt),
      description: 'The minimum level that the proofs reach together: 1 for one factor, 2 for two different ones.',
    },
  },
});

/** Returns the arguments of the directive that a server has for all fields, by the name of the directive. */
export function requiresProofOn({ reauthenticateAfterMs }: Pick<Config, 'reauthenticateAfterMs'>) {
  return { [name]: { within: Math.floor(reauthenticateAfterMs / 1_000) } };
}

export class RequiresProofPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    if (needOf(fieldConfig) === undefined) return fieldConfig;
    const extensions = withDirective(fieldConfig, name, { within: defaultWithinSeconds, level: baseLevel });
    return { ...fieldConfig, extensions };
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (needOf(fieldConfig) !== 'always') return resolver;
    return (parent, args, context, info) => {
      // Pothos does not know that the context of this schema is ours.
      const { caller, config } = context as Context;
      requireRecentProof(caller.scope, config);
      return resolver(parent, args, context, info);
    };
  }
}

function needOf<Types extends SchemaTypes>({ pothosOptions }: PothosOutputFieldConfig<Types>) {
  return pothosOptions.requiresProof ?? (pothosOptions.access === 'recentAdmin' ? 'always' : undefined);
}

SchemaBuilder.registerPlugin(name, RequiresProofPlugin);

export const RequiresProofPluginName = name;
