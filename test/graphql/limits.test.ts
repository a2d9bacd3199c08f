import { getIntrospectionQuery, isRequiredArgument } from 'graphql';
import { describe, expect, it } from 'vitest';
import { startApi } from '../support/api.ts';
import { argumentsOf, rootFields, selectionOf } from '../support/generated-operations.ts';
import type { Random } from '../support/random.ts';

/** Always chooses the first option, so that nothing is random. */
const usual: Random = { below: () => 0, pick: <T>(choices: readonly T[]) => choices[0] as T, onceIn: () => false };

describe('limits of an operation', () => {
  it('refuse circles between users and sessions', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const circle = (rounds: number): string => (rounds === 0 ? 'id' : `sessions { user { ${circle(rounds - 1)} } }`);
    expect(await ada.ask(`{ viewer { ${circle(2)} } }`)).toHaveProperty('viewer.sessions');
    api.statements.length = 0;
    for (const rounds of [4, 6, 20]) {
      const { code, errors } = await ada.send(`{ viewer { ${circle(rounds)} } }`);
      expect(code, String(rounds)).toBe('BAD_USER_INPUT');
      expect(errors[0].message).toMatch(/^The (complexity|depth) of this operation is \d+, and may be \d+\./);
    }
    // Nothing but whose request it is.
    expect(api.statements.filter((sql) => !/FROM "Session" s LEFT JOIN/.test(sql))).toEqual([]);
  });

  it('allow many sessions in a small operation', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { id } = await api.database.user.findFirstOrThrow();
    const ended = Array.from({ length: 500 }, (_, n) => ({ handle: `h${n}`, userId: id, expiresAt: new Date(n) }));
    await api.database.session.createMany({ data: ended });
    const all = await ada.ask('{ viewer { sessions(includeEnded: true) { handle } } }');
    expect(all.viewer.sessions).toHaveLength(100);
    for (const list of ['sessions', 'sessions(includeEnded: true)']) {
      const query = `{ viewer { ${list} { user { ${list} { user { ${list} { id } } } } } } }`;
      expect((await ada.send(query)).code, list).toBe('BAD_USER_INPUT');
    }
  });

  it('refuse more than one check of a password', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const login = 'login(email: "ada@example.com", password: "guess after guess") { __typename }';
    const prove = 'reauthenticate(password: "guess after guess") { __typename }';
    for (const two of [`a: ${login} b: ${login}`, `${login} ${prove}`, `a: ${prove} b: ${prove}`]) {
      expect((await ada.send(`mutation { ${two} }`)).code).toBe('BAD_USER_INPUT');
    }
    const spread = `mutation { ...F ...G } fragment F on Mutation { a: ${login} } fragment G on Mutation { b: ${login} }`;
    expect((await ada.send(spread)).code).toBe('BAD_USER_INPUT');
    expect((await ada.ask(`mutation { ${login} }`)).login.__typename).toBe('InvalidCredentialsError');
  });

  it('refuse more than ten mutations, or any two that start a session', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (const { operation, field } of rootFields()) {
      if (operation !== 'mutation') continue;
      const text = `${field.name}${argumentsOf(field.args.filter(isRequiredArgument), usual)}${selectionOf(field.type, 0, usual)}`;
      const many = Array.from({ length: 11 }, (_, n) => `m${n}: ${text}`);
      api.statements.length = 0;
      for (const client of [api.client(), ada]) {
        const { code, errors } = await client.send(`mutation { ${many.join(' ')} }`);
        expect({ name: field.name, code }).toEqual({ name: field.name, code: 'BAD_USER_INPUT' });
        expect(errors[0].message).toMatch(/^The complexity of this operation is [\d,]+/);
      }
      expect(api.statements.filter((sql) => !/FROM "Session" s LEFT JOIN/.test(sql))).toEqual([]);
    }
    const start = 'startSession { session { id } }';
    const keep = 'setPublicData(data: {}) { __typename }';
    const login = 'login(email: "ada@example.com", password: "guess after guess") { __typename }';
    for (const two of [`a: ${start} b: ${start}`, `${start} ${keep}`, `a: ${keep} b: ${keep}`, `${keep} ${login}`]) {
      expect((await api.client().send(`mutation { ${two} }`)).code, two).toBe('BAD_USER_INPUT');
    }
    expect(await ada.ask(`mutation { ${keep} updateProfile(name: "Ada") { __typename } }`)).toBeDefined();
  });

  it('refuse repetition by aliases, fields or fragments', async () => {
    const api = await startApi();
    const repeated = Array.from({ length: 301 }, (_, n) => `a${n}: viewer { id }`).join(' ');
    const fan = Array.from({ length: 40 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ');
    const fanned = `{ ...F0 } ${fan} fragment F40 on Query { viewer { id } }`;
    for (const query of [`{ ${repeated} }`, fanned, `{ ${'viewer { id } '.repeat(150)} }`]) {
      expect((await api.client().send(query)).code, query.slice(0, 60)).toBe('BAD_USER_INPUT');
    }
    expect(await api.client().ask(`{ ${'viewer { id } '.repeat(30)} }`)).toEqual({ viewer: null });
  });

  it('refuse an operation before any of it is executed', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const many = Array.from({ length: 301 }, (_, n) => `a${n}: logout { revokedSessionId }`).join(' ');
    expect((await ada.send(`mutation { ${many} }`)).code).toBe('BAD_USER_INPUT');
    expect((await ada.ask('{ viewer { email } }')).viewer).toEqual({ email: 'ada@example.com' });
  });
});

describe('a variable of the wrong type', () => {
  it('is refused with a code', async () => {
    const api = await startApi();
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    for (const variables of [{}, { ids: null }, { ids: [{}] }]) {
      const { code, data, errors } = await api.client().send(query, variables);
      expect({ code, data }).toEqual({ code: 'BAD_USER_INPUT', data: undefined });
      expect(errors[0].message).toMatch(/^Variable "\$ids"/);
    }
  });
});

describe('introspection', () => {
  it('is limited to the size that tools ask for', async () => {
    const api = await startApi();
    const query = getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, specifiedByUrl: true });
    expect((await api.client().ask(query)).__schema.types.length).toBeGreaterThan(10);
  });
});
