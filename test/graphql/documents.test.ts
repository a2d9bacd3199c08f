import { type DocumentNode, getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { useDocuments } from '../../src/graphql/documents/document-cache.ts';
import { requireModestDocument } from '../../src/graphql/documents/document-limits.ts';
import { schema } from '../../src/graphql/schema.ts';
import { type Client, startApi } from '../support/api.ts';
import { everything, listLengths, standardCost } from '../support/document-search.ts';
import { expensiveDocuments } from '../support/documents.ts';

function costOf(document: string) {
  return requireModestDocument(parse(document, { noLocation: true }), listLengths, standardCost);
}

async function answerTo(client: Client, document: string) {
  const { status, code, errors } = await client.send(document, {}, { accept: 'application/graphql-response+json' });
  return { status, code, message: errors?.[0].message };
}

const refused = { status: 400, code: 'BAD_USER_INPUT' };

describe('document limits', () => {
  it('allow a repeated response name, as clients do that compose fragments', async () => {
    const api = await startApi();
    const fragments = Array.from({ length: 40 }, (_, n) => `fragment F${n} on User { __typename id a${n}: name }`);
    const composed = `{ viewer { ${fragments.map((_, n) => `...F${n}`).join(' ')} } } ${fragments.join(' ')}`;
    expect(await api.client().ask(composed)).toEqual({ viewer: null });
    expect(costOf(composed).comparisons).toBe(3 * 780);
  });

  it('refuse before validation fields, fragments or arguments that need too many comparisons', async () => {
    const api = await startApi();
    const names = ['fields that conflict', 'fields that conflict at two levels', 'the same field', 'ten names'];
    const others = [
      'fragments in circles',
      'fragments that multiply',
      'a chain of fragments',
      'arguments that conflict',
    ];
    for (const name of [...names, ...others, 'arguments with one name', 'inline fragments']) {
      const answer = await answerTo(api.client(), expensiveDocuments[name] ?? '');
      expect({ name, ...answer }).toMatchObject({
        name,
        ...refused,
        message: expect.stringMatching(/^The document has/),
      });
    }
    expect(api.reported).toEqual([]);
  });

  it('count fragments wherever they are spread, also in operations that are not executed', async () => {
    const api = await startApi();
    const spreads = Array.from({ length: 300 }, (_, n) => `query Q${n} { ...F }`).join(' ');
    const many = `${spreads} fragment F on Query { ${'nodes(ids: ["1" "2" "3" "4" "5" "6"]) { id } '.repeat(3)} }`;
    expect(await answerTo(api.client(), many)).toMatchObject(refused);
    const depth = expensiveDocuments['fragments that multiply by depth'] ?? '';
    expect(await answerTo(api.client(), depth)).toMatchObject(refused);
  });

  it('allow at most 2,000 tokens and as many lines', async () => {
    const api = await startApi();
    expect(await answerTo(api.client(), `{ viewer { id } }${'\n'.repeat(1_999)}`)).toMatchObject({ status: 200 });
    for (const line of ['\n', '\r', '\r\n', '# a comment\n']) {
      const message = expect.stringContaining('2000 lines');
      expect(await answerTo(api.client(), `{ viewer { id } }${line.repeat(2_000)}`)).toMatchObject({
        ...refused,
        message,
      });
    }
    const { code, message } = await answerTo(api.client(), `{ ${'id '.repeat(2_000)}}`);
    expect({ code, message }).toEqual({
      code: 'GRAPHQL_PARSE_FAILED',
      message: expect.stringContaining('2000 tokens'),
    });
  });

  it('refuse unlimited nesting, also by a fragment that spreads itself', async () => {
    const api = await startApi();
    const nested = (levels: number) =>
      `{ viewer ${'{ sessions { user '.repeat(levels)} { id } ${'} }'.repeat(levels)} }`;
    const circles = [
      '{ viewer { ...A } } fragment A on User { x: sessions { user { ...A } } }',
      '{ viewer { ...A } } fragment A on User { sessions { user { ...B } } } fragment B on User { sessions { user { ...A } } }',
      'fragment A on User { x: sessions { user { ...A } } }',
    ];
    for (const document of [nested(50), nested(300), ...circles]) {
      const message = expect.stringContaining('more than 100 levels deep, or has a fragment that spreads itself');
      expect(await answerTo(api.client(), document), document).toMatchObject({ ...refused, message });
    }
    expect((await answerTo(api.client(), nested(49))).message).toMatch(/^The (complexity|depth) of this operation/);
    expect(api.reported).toEqual([]);
  });

  it('allow no name of more than 100 characters, because the answer would repeat it', async () => {
    const api = await startApi();
    const name = 'n'.repeat(100);
    const named = (text: string) => [
      `{ __schema { types { fields { ${text}: name } } } }`,
      `{ viewer { ...${text} } } fragment ${text} on User { id }`,
      `query ${text} { viewer { id } }`,
      `query ($${text}: ID = "1") { node(id: $${text}) { id } }`,
    ];
    for (const document of named(name)) expect((await answerTo(api.client(), document)).status, document).toBe(200);
    const others = [`{ ${name}n }`, `{ node(${name}n: 1) { id } }`, `{ viewer @${name}n { id } }`];
    for (const document of [...named(`${name}n`), ...others]) {
      const message = 'The document has a name of more than 100 characters. Shorten it.';
      expect(await answerTo(api.client(), document), document).toMatchObject({ ...refused, message });
    }
    // Other tokens may be longer.
    const long = `query { node(id: "${name}n") { id } } # ${name}n`;
    expect((await answerTo(api.client(), long)).status).toBe(200);
    const answer = await api.client().send(`{ __schema { types { fields { ${'n'.repeat(60_000)}: name } } } }`);
    expect(JSON.stringify(answer).length).toBeLessThan(1_000);
  });

  it('allow the introspection of tools, and no more', async () => {
    const api = await startApi();
    for (const query of [everything, getIntrospectionQuery(), '{ __type(name: "User") { fields { name } } }']) {
      expect((await api.client().send(query)).errors).toBeUndefined();
    }
    for (const [name, document] of Object.entries(expensiveDocuments)) {
      if (!name.startsWith('introspection')) continue;
      expect({ name, ...(await answerTo(api.client(), document)) }).toMatchObject({ name, status: 400 });
    }
  });
});

describe('document cache', () => {
  /** Sends a document through the hooks as a server does, and returns whether it had to be parsed. */
  function sendTo(plugin: ReturnType<typeof useDocuments>, source: string): boolean {
    let document: DocumentNode | null = null;
    let isParsed = false;
    plugin.onParse?.({
      params: { source },
      setParsedDocument: (known: DocumentNode) => {
        document = known;
      },
      setParseFn: (parseFn: (text: string) => DocumentNode) => {
        isParsed = true;
        document = parseFn(source);
      },
    } as never);
    let errors: readonly unknown[] = [];
    const after = plugin.onValidate?.({
      params: { documentAST: document },
      setResult: () => {},
      setValidationFn: (validateFn: (...given: unknown[]) => readonly unknown[]) => {
        errors = validateFn(schema, document);
      },
    } as never) as ((result: { valid: boolean }) => void) | undefined;
    after?.({ valid: errors.length === 0 });
    return isParsed;
  }

  it('keeps valid documents, from their second use on', () => {
    const plugin = useDocuments(schema);
    const valid = '{ viewer { id } }';
    expect([1, 2, 3, 4].map(() => sendTo(plugin, valid))).toEqual([true, true, false, false]);
    const invalid = '{ viewer { nothing } }';
    expect([1, 2, 3, 4].map(() => sendTo(plugin, invalid))).toEqual([true, true, true, true]);
  });

  it('evicts documents for newer ones of any size', () => {
    const plugin = useDocuments(schema);
    const valid = '{ viewer { id } }';
    const fields = Array.from({ length: 600 }, (_, k) => `a${k}: id`).join(' ');
    for (const _ of [1, 2]) sendTo(plugin, valid);
    for (let n = 0; n < 200; n += 1) {
      for (const _ of [1, 2]) sendTo(plugin, `{ z${n}: viewer { ${fields} } }`);
    }
    expect(sendTo(plugin, valid)).toBe(true);
  });
});

describe('validation error', () => {
  it('has its location and a suggestion, in documents of a size that people write', async () => {
    const api = await startApi();
    const { errors } = await api.client().send('{\n  viewer { emial }\n}');
    expect(errors).toEqual([
      {
        message: 'Cannot query field "emial" on type "User". Did you mean "email"?',
        locations: [{ line: 2, column: 12 }],
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ]);
  });

  it('is one of at most ten, and says less in a large document', async () => {
    const api = await startApi();
    const { errors } = await api.client().send(expensiveDocuments['unknown fields'] ?? '');
    expect(errors).toHaveLength(11);
    expect(errors[0]).toEqual({
      message: 'Cannot query field "emial0" on type "User".',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
    expect(errors[10].message).toMatch(/Too many validation errors/);
  });
});

describe('an operation that cannot be executed as it is sent', () => {
  it.each([
    ['query ($email: String) { user(by: { email: $email }) { id } }', {}],
    ['query ($id: ID = "x") { node(id: $id) { id } }', { id: null }],
    ['query ($id: ID!) { node(id: $id) { id } }', {}],
    ['query ($first: Int) { viewer { auditEvents(first: $first) { totalCount } } }', { first: 'many' }],
    ['subscription { sessionEvents }', {}],
    ['query A { viewer { id } } query B { viewer { id } }', {}],
  ])('has a code: %s', async (operation, variables) => {
    const api = await startApi();
    const { errors } = await api.client().send(operation, variables);
    expect(errors[0].extensions.code).toMatch(/^[A-Z_]+$/);
    expect(errors[0].extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
    expect(api.reported).toEqual([]);
  });
});
