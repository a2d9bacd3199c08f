import { expect, it } from 'vitest';
import { graphqlSseAuth } from '../../../src/verify/adapters/graphql-sse.ts';
import type { Auth } from '../../../src/verify/auth.ts';

it('forgets a subscription of graphql-sse that fails, so that nothing follows its session any more', async () => {
  // The session is only passed on.
  const auth = { user: null, session: {} } as unknown as Auth;
  let watched = 0;
  const closeWith = () => {
    watched += 1;
    return () => {
      watched -= 1;
    };
  };
  const options = graphqlSseAuth({ verify: async () => auth, requireCsrf: () => {}, closeWith });
  const request = { method: 'POST', headers: new Headers() } as unknown as Parameters<typeof options.onSubscribe>[0];
  expect(await options.onSubscribe(request)).toBeUndefined();
  const failing = { next: () => Promise.reject(new Error('no')), [Symbol.asyncIterator]: () => failing };
  const results: AsyncIterable<unknown> | undefined = options.onOperation(null, request, null, failing);
  expect(watched).toBe(1);
  await expect(results?.[Symbol.asyncIterator]().next()).rejects.toThrow('no');
  expect(watched).toBe(0);
});
