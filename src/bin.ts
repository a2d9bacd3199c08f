#!/usr/bin/env node
/** The command `graphql-sessions` of the package: it serves, or runs the command of its arguments. */
import './compile-cache.js';

const hasArguments = process.argv.length > 2;
await (hasArguments ? import('./cli.ts') : import('./main.ts'));
