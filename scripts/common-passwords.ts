/**
 * Makes `src/passwords/common-passwords.txt.gz` of the list that comes with `@zxcvbn-ts/language-common`: the most used
 * passwords first, one a line, each as it is and without the digits and signs that it begins and ends with.
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
