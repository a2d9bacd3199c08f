/**
 * Marks the fields that need recent proofs of the identity, with the directive `@requiresProof`, and checks these
 * proofs. So a client can ask for them before it sends the operation, and the mark is never without the check.
 */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import { DirectiveLocation, GraphQLDirective, type GraphQLFieldResolver, GraphQLInt, GraphQLNonNull } from 'graphql';
import type { Config } from '../../config/config.ts';
import type { AssuranceLevel } from '../../sessions/assurance/level.ts';
import { requireRecentProof } from '../../sessions/assurance/second-factor.ts';
import type { Context } from '../context.ts';
import { withDirective } from '../field-directives.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      requiresProof: RequiresProofPlugin<Types>;
    }

    export interface FieldOptions {
      /**
       * The recent proofs that the field needs. By default those of the account with the access `recentAdmin`, and none
       * with all others.
       */
      requiresProof?: NeededProof;
    }
  }
}

export type NeededProof = {
  /**
   * `always`: the proofs are checked before the field is resolved. `sometimes`: its operation calls
   * `requireRecentProof`, and its description says when.
   */
  when: 'always' | 'sometimes';
  /** The level that the operation itself needs: 1 by default. Accounts with a second factor always need 2. */
  level?: AssuranceLevel;
};

const name = 'requiresProof' as const;

/** The default of REAUTHENTICATE_AFTER. `schema.graphql` belongs to no server, so it cannot have another value. */
const defaultWithinSeconds = 15 * 60;

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
    const needed = neededBy(fieldConfig);
    if (needed === null) return fieldConfig;
    const { level = 1 } = needed;
    const extensions = withDirective(fieldConfig, name, { within: defaultWithinSeconds, level });
    return { ...fieldConfig, extensions };
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const needed = neededBy(fieldConfig);
    if (needed?.when !== 'always') return resolver;
    return (parent, args, context, info) => {
      // Pothos does not know that the context of this schema is ours.
      const { caller, config } = context as Context;
      requireRecentProof(caller.scope, config, needed.level);
      return resolver(parent, args, context, info);
    };
  }
}

function neededBy<Types extends SchemaTypes>({ pothosOptions }: PothosOutputFieldConfig<Types>): NeededProof | null {
  const { requiresProof: needed, access } = pothosOptions;
  return needed ?? (access === 'recentAdmin' ? { when: 'always' } : null);
}

SchemaBuilder.registerPlugin(name, RequiresProofPlugin);

export const RequiresProofPluginName = name;
