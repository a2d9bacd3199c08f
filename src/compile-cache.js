/**
 * Keeps what Node makes of every file, beside the packages, so that it is made once. It is JavaScript since it comes
 * before the first file of TypeScript, whose compiler is then not even loaded. Where nothing can be written, Node goes
 * on without.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compile'));
