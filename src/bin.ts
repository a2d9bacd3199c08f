#!/usr/bin/env node
/** The command `graphql-sessions` of the package: it serves, or runs the command of its arguments. */
import './compile-cache.js';

const [command = 'serve', ...rest] = process.argv.slice(2);
// Without the command line, which takes long to load: until then, a signal would end the process.
const isServer = command === 'serve' && rest.length === 0;
await (isServer ? import('./main.ts') : import('./cli.ts'));
