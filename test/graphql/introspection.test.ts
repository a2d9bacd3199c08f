import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { startApi } from '../support/api.ts';

const strict = { accept: 'application/graphql-response+json' };

describe('introspection that is off', () => {
  it('is refused for everybody but administrators, also from the cache of documents', async () => {
    const api = await startApi({ introspection: false });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const root = await api.signUpAdmin('root@example.com');
    const documents = [
      getIntrospectionQuery(),
      '{ __schema { queryType { name } } }',
      '{ a: __type(name: "User") { name } }',
      '{ __typename ...F } fragment F on Query { ... { __type(name: "User") { name } } }',
    ];
    for (const query of documents) {
      for (let time = 0; time < 3; time += 1) expect(await root.ask(query)).toBeTruthy();
      for (const client of [api.client(), ada]) {
        const { status, code, data } = await client.send(query, {}, strict);
        expect({ status, code, data }, query).toEqual({ status: 400, code: 'INTROSPECTION_DISABLED', data: undefined });
      }
    }
    expect(await ada.ask('{ __typename viewer { __typename } }')).toMatchObject({ viewer: { __typename: 'User' } });
    expect(api.reported).toEqual([]);
  });

  it('leaves names of the schema out of all errors', async () => {
    const mistakes: [query: string, variables?: object][] = [
      ['{ viever { id } }'],
      ['{ viewer { emial } }'],
      ['{ node(di: "1") { id } }'],
      ['query ($id: Strin) { node(id: $id) { id } }'],
      ['{ node(id: "1") { ... on Usr { id } } }'],
      ['mutation { startSession(transport: COKIE) { token } }'],
      ['mutation ($t: Transport!) { startSession(transport: $t) { token } }', { t: 'COKIE' }],
      ['mutation ($t: [Transport!]!) { a: startSession(transport: $t) { token } }', { t: ['COKIE'] }],
      ['mutation { login(email: "a", password: "b", trasport: COOKIE) { __typename } }'],
    ];
    const messagesOf = async (introspection: boolean) => {
      const api = await startApi({ introspection });
      const answers = await Promise.all(mistakes.map((mistake) => api.client().send(...mistake)));
      return answers.flatMap(({ errors }) => errors.map(({ message }: Error) => message));
    };
    const suggesting = (messages: string[]) => messages.filter((message) => message.includes('Did you mean'));
    const hidden = await messagesOf(false);
    expect(hidden.length).toBeGreaterThanOrEqual(mistakes.length);
    expect(suggesting(hidden)).toEqual([]);
    expect(hidden).toContain(
      'Variable "$t" got invalid value "COKIE"; Value "COKIE" does not exist in "Transport" enum.',
    );
    // They are there by default.
    expect(suggesting(await messagesOf(true)).length).toBeGreaterThanOrEqual(mistakes.length - 1);
  });
});
