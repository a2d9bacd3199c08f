import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { printedSchema } from '../../src/graphql/schema.ts';
import { breakingChanges, releasedVersion } from '../support/breaking-changes.ts';

const changelog = await readFile('CHANGELOG.md', 'utf8');
const released = await readFile('test/fixtures/released-schema.graphql', 'utf8');

describe('breaking changes of the schema since the last release', () => {
  it('are all in CHANGELOG.md, and it lists no others', async () => {
    const { made, listed } = await breakingChanges(released, printedSchema(), changelog);
    expect(listed).toEqual(made);
  });

  it('are compared with the newest release', () => {
    expect(/^# The schema of version (\S+),/.exec(released)?.[1]).toBe(releasedVersion(changelog));
  });

  it('are named by type, field and argument', async () => {
    const before = `type Query { user(id: ID, email: String): User, nobody: User }
      type User { name: String, role: String! } enum Role { A B } union Any = User | Query`;
    const after = `type Query { user(email: String): User }
      type User { name: Int, role: String } enum Role { A } union Any = User`;
    const notes = `# Changelog

## Unreleased

- **Breaking in the schema:** \`User.role\`, \`User.name\`,
  \`Role.B\`: use another.
- \`User.other\` is new.

## 1.0.0 (2026-01-01)

- **Breaking in the schema:** \`User.old\`: gone.
`;
    expect(await breakingChanges(before, after, notes)).toEqual({
      made: ['Any', 'Query.nobody', 'Query.user(id:)', 'Role.B', 'User.name', 'User.role'],
      listed: ['Role.B', 'User.name', 'User.role'],
    });
    expect(releasedVersion(notes)).toBe('1.0.0');
    expect((await breakingChanges(before, before, notes)).made).toEqual([]);
  });
});
