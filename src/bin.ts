#!/usr/bin/env node
/** The command `graphql-sessions` of the package: it serves, or runs the command of its arguments. */

const oldest = [22, 18] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(`graphql-sessions needs Node ${oldest.join('.')} or newer. This is Node ${process.versions.node}.`);
  process.exit(1);
}
// Imported only now: an older Node fails at their imports, in words of its own.
// @ts-expect-error It has no exports, so it needs no types.
await import('./compile-cache.js');
const [command = 'serve', ...rest] = process.argv.slice(2);
// Without the command line, which takes long to load: until then, a signal would end the process.
const isServer = command === 'serve' && rest.length === 0;
await (isServer ? import('./main.ts') : import('./cli.ts'));
