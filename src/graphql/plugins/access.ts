/**
 * Requires every field to say who may use it, by itself or by its type. Without that there is no schema, so nothing is
 * open by omission (deny by default; OWASP ASVS 5.0, 8.1.1).
 */
import SchemaBuilder, {
  BasePlugin,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
} from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { notSignedIn, RequestError } from '../../errors.ts';
import { mayFollowEvents, mayReadUsers, type Scope } from '../../scope.ts';
import { type Context, canSeeUser, isUserOrAdmin } from '../context.ts';

/**
 * Describes the levels of access. A field of an object that others may see has a level of a reader: with a level that
 * throws, a client that selects all fields of the object would get an error.
 */
export const accessLevels = {
  public: 'Every caller, also without a credential.',
  session: 'Callers with a live session, also an anonymous one. UNAUTHENTICATED for others.',
  user: 'Signed-in users. UNAUTHENTICATED for others.',
  owner: 'The user that the object is, and administrators. Null for others.',
  reader: 'The same, and services with the scope users:read. Null for others.',
  directory: 'Administrators, and services with the scope users:read. FORBIDDEN for others.',
  admin: 'Administrators. FORBIDDEN for others.',
  adminReader: 'Administrators. Null for others.',
  recentAdmin:
    'Administrators with recent proofs of the identity. FORBIDDEN or ReauthenticationRequiredError for others.',
  introspection: 'Every caller, or administrators and services if introspection is off. FORBIDDEN for others.',
  events: 'Administrators, and services with the scope events. FORBIDDEN for others.',
  sessionData: 'Services with the scope session-data. FORBIDDEN for others.',
  sessionDataReader: 'The same. Null for others.',
  parent: 'Every caller that received the object: the field that returned it decided who may see it.',
} as const;

export type Access = keyof typeof accessLevels;

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      access: AccessPlugin<Types>;
    }

    export interface FieldOptions {
      /** The callers that may use the field. By default, the access of the type applies. */
      access?: Access;
    }

    export interface BaseTypeOptions {
      /** The callers that may use the fields of the type without their own access. */
      access?: Access;
    }
  }
}

type Check = (context: Context, parent: unknown) => boolean;

/** Run before a field is resolved. A check throws, or returns false to make the field null. */
const checks: Partial<Record<Access, Check>> = {
  session: requireSession,
  user: ({ caller }) => {
    if (!caller.scope.session?.user) throw notSignedIn();
    return true;
  },
  // The parent of a field with these levels is a row.
  owner: ({ caller }, parent) => isUserOrAdmin((parent as { id: bigint }).id, caller.scope),
  reader: ({ caller }, parent) => canSeeUser((parent as { id: bigint }).id, caller.scope),
  directory: (context) => {
    if (mayReadUsers(context.caller.scope)) return true;
    return requireAdmin(context);
  },
  admin: requireAdmin,
  // `requires-proof.ts` checks the proofs: an unlocked device of an administrator is not enough.
  recentAdmin: requireAdmin,
  introspection: ({ config, caller }) => {
    if (config.introspection || caller.scope.isAdmin || caller.scope.service !== null) return true;
    throw new RequestError('FORBIDDEN', 'Only administrators and services may read the schema: see x-service-key.');
  },
  events: (context) => mayFollowEvents(context.caller.scope) || requireAdmin(context),
  adminReader: ({ caller }) => caller.scope.isAdmin,
  sessionData: ({ caller }) => {
    if (mayUseData(caller.scope)) return true;
    throw new RequestError('FORBIDDEN', 'Only services with the scope session-data may do this: see x-service-key.');
  },
  sessionDataReader: ({ caller }) => mayUseData(caller.scope),
};

function mayUseData({ service }: Scope): boolean {
  return service?.scopes.has('session-data') ?? false;
}

function requireSession({ caller }: Context): boolean {
  if (!caller.scope.session) throw notSignedIn();
  return true;
}

function requireAdmin(context: Context): boolean {
  requireSession(context);
  if (!context.caller.scope.isAdmin) throw new RequestError('FORBIDDEN', 'Only administrators may do this.');
  return true;
}

export class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { parentType, name, pothosOptions, extensions } = fieldConfig;
    const type = this.builder.configStore.getTypeConfig(parentType);
    const access = pothosOptions.access ?? type.pothosOptions.access;
    if (access === undefined) throw new PothosSchemaError(`${parentType}.${name} does not say who may use it.`);
    return { ...fieldConfig, extensions: { ...extensions, access } };
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { kind, extensions }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const check = checks[extensions?.access as Access];
    // A stream checks its reader before each message, also the last one, which tells the end of the session.
    if (kind === 'Subscription') return resolver;
    // Most fields have no check, and then this plugin adds no cost.
    if (!check) return resolver;
    return (parent, args, context, info) =>
      check(context as Context, parent) ? resolver(parent, args, context, info) : null;
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    { extensions, parentType, name }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    const check = checks[extensions?.access as Access];
    if (!subscribe || !check) return subscribe;
    return (parent, args, context, info) => {
      if (check(context as Context, parent)) return subscribe(parent, args, context, info);
      throw new PothosSchemaError(`The access of ${parentType}.${name} must refuse, and not return null.`);
    };
  }
}

const pluginName = 'access' as const;

SchemaBuilder.registerPlugin(pluginName, AccessPlugin);

export const AccessPluginName = pluginName;
