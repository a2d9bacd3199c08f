/** Writes src/generated/possibleTypes.json: node generate.ts schema.graphql */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, isAbstractType } from 'graphql';

const schema = buildSchema(readFileSync(process.argv[2] ?? 'schema.graphql', 'utf8'));
const abstractTypes = Object.values(schema.getTypeMap()).filter(isAbstractType);
const possibleTypes = abstractTypes.map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]);
mkdirSync('src/generated', { recursive: true });
writeFileSync('src/generated/possibleTypes.json', JSON.stringify(Object.fromEntries(possibleTypes), null, 2));
