/**
 * Who each field is for. A field that does not say, by itself or by its type, keeps the schema from being built, so
 * that nothing is open by omission (OWASP ASVS 5.0, 8.1.1; deny by default).
 */
import SchemaBuilder, {
  BasePlugin,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
} from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { notSignedIn, RequestError } from '../../errors.ts';
import type { Scope } from '../../scope.ts';
import { type Context, maySeeOf } from '../context.ts';

/** The audiences there are, and what each means. */
export const audiences = {
  everybody: 'Anybody, without a credential.',
  holders: 'Whoever was given the object: who that is was decided where it came from.',
  owner: 'The user that the object is, and administrators. Null for others.',
  signedIn: 'Users who are signed in. UNAUTHENTICATED for others.',
  administrators: 'Administrators. FORBIDDEN for others.',
  services: 'Trusted services, by their key. FORBIDDEN for others.',
} as const;

export type Audience = keyof typeof audiences;

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      audience: AudiencePlugin<Types>;
    }

    export interface FieldOptions {
      /** Who the field is for, where its type does not say. */
      audience?: Audience;
    }

    export interface BaseTypeOptions {
      /** Who the fields of the type are for that do not say so themselves. */
      audience?: Audience;
    }
  }
}

type Check = (parent: unknown, scope: Scope) => boolean;

/** What is made sure of before a field is resolved. Throws, or returns false where the answer is null. */
const checks: Partial<Record<Audience, Check>> = {
  owner: (parent, scope) => maySeeOf((parent as { id: number }).id, scope),
  signedIn: (_parent, { session }) => {
    if (!session?.user) throw notSignedIn();
    return true;
  },
  administrators: (_parent, { session, isAdmin }) => {
    if (!session) throw notSignedIn();
    if (!isAdmin) throw new RequestError('FORBIDDEN', 'Only administrators may do this.');
    return true;
  },
  services: (_parent, { isService }) => {
    if (!isService) throw new RequestError('FORBIDDEN', 'Only trusted services may do this, by their key.');
    return true;
  },
};

export class AudiencePlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { parentType, name, pothosOptions, extensions } = fieldConfig;
    const type = this.builder.configStore.getTypeConfig(parentType);
    const audience = pothosOptions.audience ?? type.pothosOptions.audience;
    if (audience === undefined) throw new PothosSchemaError(`${parentType}.${name} does not say who it is for.`);
    return { ...fieldConfig, extensions: { ...extensions, audience } };
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { extensions }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const check = checks[extensions?.audience as Audience];
    // Fields without a check, which are most, cost nothing more than without this plugin.
    if (!check) return resolver;
    return (parent, args, context, info) =>
      check(parent, (context as Context).caller.scope) ? resolver(parent, args, context, info) : null;
  }
}

const pluginName = 'audience' as const;

SchemaBuilder.registerPlugin(pluginName, AudiencePlugin);

export const AudiencePluginName = pluginName;
