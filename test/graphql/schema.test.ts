import { readFile } from 'node:fs/promises';
import SchemaBuilder from '@pothos/core';
import { buildSchema, graphql, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { nodeTypes } from '../../src/graphql/node-id.ts';
import { isSemanticNonNull, SemanticNonNullPluginName } from '../../src/graphql/plugins/semantic-non-null.ts';
import { printedSchema, schema } from '../../src/graphql/schema.ts';

const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));

describe('schema', () => {
  it('is the one in schema.graphql (npm run print-schema writes it)', async () => {
    expect(await readFile('schema.graphql', 'utf8')).toBe(printedSchema());
  });

  it('describes how to start, with names that exist', () => {
    const text = schema.description ?? '';
    const names = [...text.matchAll(/`([a-z]\w+)(?:\(id:\))?`/gi)].map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(['signUp', 'login', 'viewer', 'currentSession', 'revoke', 'node']));
    const known = types.flatMap((type) => ('getFields' in type ? Object.keys(type.getFields()) : []));
    const pages = ['first', 'after', 'last', 'before'];
    const others = ['errors', 'docs', ...pages];
    expect(names.filter((name) => !known.includes(name ?? '') && !others.includes(name ?? ''))).toEqual([]);
    expect(printedSchema()).toContain(`"""\n${text}\n"""\nschema {`);
  });

  it('has no field with a secret of another user', () => {
    const names = types.flatMap((type) =>
      isObjectType(type) || isInterfaceType(type) ? Object.keys(type.getFields()) : [],
    );
    expect(names).toContain('handle');
    for (const secret of ['hashedPassword', 'hashedSessionToken', 'password']) {
      expect(names).not.toContain(secret);
    }
  });

  it('describes every type, field, argument and value', () => {
    const silent: string[] = [];
    const isBuiltIn = (name: string) => ['ID', 'Int', 'Float', 'String', 'Boolean'].includes(name);
    for (const type of types) {
      if (!type.description && !isBuiltIn(type.name)) silent.push(type.name);
      if ('getValues' in type) {
        for (const value of type.getValues()) if (!value.description) silent.push(`${type.name}.${value.name}`);
      }
      if (!('getFields' in type)) continue;
      for (const field of Object.values(type.getFields())) {
        if (!field.description) silent.push(`${type.name}.${field.name}`);
        for (const argument of 'args' in field ? field.args : []) {
          if (!argument.description) silent.push(`${type.name}.${field.name}(${argument.name})`);
        }
      }
    }
    expect(silent).toEqual([]);
  });

  it('marks every field that is null only next to an error, so that clients can treat it as non-null', () => {
    const fields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
      Object.values(type?.getFields() ?? {}),
    );
    const others = fields.filter((field) => !String(field.type).endsWith('!') && !isSemanticNonNull(field));
    // These are null without an error if there is no such object.
    const names = ['currentSession', 'lastSession', 'node', 'revocation', 'session', 'user', 'viewer'];
    expect(others.map(({ name }) => name).sort()).toEqual(names);
    const marked = printedSchema().match(/ @semanticNonNull\n/g);
    expect(marked).toHaveLength(fields.filter(isSemanticNonNull).length);
    expect(buildSchema(printedSchema()).getDirective('semanticNonNull')?.locations).toEqual(['FIELD_DEFINITION']);
  });

  it('turns a null without an error into an error, where a field is null only next to one', async () => {
    const builder = new SchemaBuilder({ plugins: [SemanticNonNullPluginName], prisma: {} as never });
    builder.queryType({ fields: (t) => ({ one: t.string({ nullable: true, resolve: () => null }) }) });
    builder.mutationType({
      fields: (t) => ({
        none: t.string({ nullable: true, resolve: () => null }),
        later: t.string({ nullable: true, resolve: () => Promise.resolve(null) }),
        some: t.string({ nullable: true, resolve: () => 'done' }),
      }),
    });
    const run = (source: string) => graphql({ schema: builder.toSchema(), source });
    expect(await run('{ one }')).toEqual({ data: { one: null } });
    const { data, errors } = await run('mutation { none later some }');
    expect(data).toEqual({ none: null, later: null, some: 'done' });
    const messages = ['Mutation.none is null without an error.', 'Mutation.later is null without an error.'];
    expect(errors?.map(({ message }) => message)).toEqual(messages);
  });

  it('makes every type with an id, and every item of a page, a Node, so that clients can refetch it', () => {
    const objects = types.filter((type) => isObjectType(type));
    const nodes = objects.filter((type) => type.getInterfaces().some(({ name }) => name === 'Node'));
    expect(nodes.map(({ name }) => name).sort()).toEqual([...nodeTypes].sort());
    expect(objects.filter((type) => 'id' in type.getFields())).toEqual(nodes);
    const items = objects.filter(({ name }) => name.endsWith('Edge')).map((type) => type.getFields().node?.type);
    expect(items.length).toBeGreaterThan(3);
    for (const item of items) expect(nodes.map(({ name }) => `${name}!`)).toContain(String(item));
  });

  it('makes every mutation nullable, so that one exception does not wipe its siblings', () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      expect(String(field.type), field.name).not.toMatch(/!$/);
    }
  });
});
