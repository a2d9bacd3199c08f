/** Writes src/generated/introspection.json: node generate.ts schema.graphql */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { minifyIntrospectionQuery } from '@urql/introspection';
import { buildSchema, introspectionFromSchema } from 'graphql';

const schema = buildSchema(readFileSync(process.argv[2] ?? 'schema.graphql', 'utf8'));
const introspection = minifyIntrospectionQuery(introspectionFromSchema(schema));
mkdirSync('src/generated', { recursive: true });
writeFileSync('src/generated/introspection.json', JSON.stringify(introspection));
