import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blitzSettingNames } from '../../src/blitz/config.ts';
import { settingNames } from '../../src/config/names.ts';
import { Prisma } from '../../src/generated/sqlite/client.ts';

const page = readFileSync('docs/data-and-keys.md', 'utf8');

/** Returns the section with a heading, without the heading. */
function section(heading: string): string {
  return page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
}

/** The columns of each table that the page classifies. A row without a table continues the one above. */
function classified(): Map<string, string[]> {
  const columns = new Map<string, string[]>();
  let table = '';
  for (const line of section('The database').split('\n')) {
    const [, first = '', , third = ''] = line.split('|').map((cell) => cell.trim());
    table = namesIn(first)[0] ?? table;
    // A colon is followed by an explanation.
    if (table !== '') columns.set(table, [...(columns.get(table) ?? []), ...namesIn(third.split(':')[0])]);
  }
  return columns;
}

function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
}

/** The columns of each model. */
const models = new Map(
  Object.entries(Prisma.ModelName).map(([name]) => {
    const fields: unknown = Prisma[`${name}ScalarFieldEnum` as 'UserScalarFieldEnum'];
    return [name, Object.keys(fields as object)];
  }),
);

describe('docs/data-and-keys.md', () => {
  it('gives each column of the database a class, once', () => {
    const classes = classified();
    expect([...classes.keys()].toSorted()).toEqual([...models.keys()].toSorted());
    for (const [model, columns] of models) {
      expect(classes.get(model)?.toSorted(), model).toEqual(columns.toSorted());
    }
  });

  it('lists each secret of the settings', () => {
    // What may come from a file is a secret.
    const secrets = [...settingNames, ...blitzSettingNames].filter((name) =>
      readFileSync('docs/production.md', 'utf8').includes(`\`${name}_FILE\``),
    );
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    const missing = secrets.filter((name) => !section('Keys and secrets').includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});
