/**
 * Generates `src/passwords/common-passwords.txt.gz` from the list of `@zxcvbn-ts/language-common`: the most used
 * passwords first, one per line, each unchanged and without its leading and trailing digits and signs.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { listedLength, plainLetters } from '../src/passwords/common-passwords.ts';

const source = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json');
const listed = JSON.parse(await readFile(source, 'utf8')) as string[];
const stems = listed
  .flatMap((password) => [password, password.replace(/^[^a-z]+|[^a-z]+$/gi, '')])
  .filter(({ length }) => length >= listedLength.min && length <= listedLength.max);
const words = [...new Set(stems.map(plainLetters))];
await writeFile('src/passwords/common-passwords.txt.gz', gzipSync(words.join('\n'), { level: 9 }));
process.stdout.write(`${words.length} passwords\n`);
