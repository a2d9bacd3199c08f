/**
 * Keeps Node's compiled code of every file, beside the packages, so that each is compiled once. This is JavaScript
 * because it runs before the first TypeScript file: then the compiler of TypeScript is not even loaded. If the cache
 * cannot be written, Node continues without it.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compile'));
