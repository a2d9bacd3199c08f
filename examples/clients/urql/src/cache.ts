import type { Exchange } from '@urql/core';
import { cacheExchange, type UpdateResolver } from '@urql/exchange-graphcache';
import introspection from './generated/introspection.json' with { type: 'json' };
import type { CompleteLoginResult, ConfirmAppResult, RevokeResult, SignInResult } from './refusals.ts';

/** Creates a cache that knows the schema, with its unions and interfaces, and follows the mutations. */
export function createCache(): Exchange {
  return cacheExchange({
    schema: introspection,
    updates: {
      Mutation: {
        signUp: (result, _, cache) => signedIn(result.signUp as SignInResult | null, cache),
        login: (result, _, cache) => signedIn(result.login as SignInResult | null, cache),
        completeLogin: (result, _, cache) => signedIn(result.completeLogin as CompleteLoginResult | null, cache),
        confirmAuthenticatorApp: (result, _, cache) =>
          signedIn(result.confirmAuthenticatorApp as ConfirmAppResult | null, cache),
        revoke: (result, _, cache) => revoked(result.revoke as RevokeResult | null, cache),
      },
    },
  });
}

type Cache = Parameters<UpdateResolver>[2];

function signedIn(result: SignInResult | CompleteLoginResult | ConfirmAppResult | null, cache: Cache): void {
  if (result?.__typename !== 'SignInPayload' && result?.__typename !== 'FactorPayload') return;
  cache.link('Query', 'viewer', { __typename: 'User', ...result.viewer });
}

/** Takes a session out of the lists of the user by its id. To invalidate it would load the lists again. */
function revoked(result: RevokeResult | null, cache: Cache): void {
  if (result?.__typename !== 'RevokePayload') return;
  const session = cache.keyOfEntity({ __typename: 'Session', id: result.session.id });
  const viewer = cache.resolve('Query', 'viewer') as string | null;
  const lists = viewer ? cache.inspectFields(viewer).filter(({ fieldName }) => fieldName === 'sessions') : [];
  for (const { fieldKey, arguments: args } of lists) {
    const keys = cache.resolve(viewer, fieldKey);
    if (Array.isArray(keys))
      cache.link(
        viewer,
        'sessions',
        args,
        keys.filter((key) => key !== session),
      );
  }
}
