/**
 * Ends with a sentence if the development dependencies are missing. This is JavaScript because the Node of the project
 * is one of them, and an older Node runs no TypeScript.
 */
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../node_modules/prisma', import.meta.url))) {
  console.error('The development dependencies are missing. They generate the Prisma client: run "npm ci" here.');
  console.error('To run the server without them, build a package with "npm pack", and install it elsewhere.');
  process.exit(1);
}
