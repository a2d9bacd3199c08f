import { readFile } from 'node:fs/promises';
import { isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { printedSchema, schema } from '../../src/graphql/schema.ts';

const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));

describe('schema', () => {
  it('is the one in schema.graphql (npm run print-schema writes it)', async () => {
    expect(await readFile('schema.graphql', 'utf8')).toBe(printedSchema());
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

  it('makes every mutation nullable, so that one exception does not wipe its siblings', () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      expect(String(field.type), field.name).not.toMatch(/!$/);
    }
  });
});
