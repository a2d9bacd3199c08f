/** @module-tag slow/process */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/database.ts';
import { manifestFolder, relayManifest } from '../support/manifests.ts';
import { runNode } from '../support/process.ts';

describe('check-documents', () => {
  it('succeeds for the manifests of a folder and of a file, without a database', async () => {
    const file = join(await temporaryFolder(), 'more.json');
    await writeFile(file, JSON.stringify({ ...JSON.parse(relayManifest), more: '{ __typename }' }));
    const [text, json] = await Promise.all([
      runNode('src/cli.ts', ['check-documents', manifestFolder, file], {}).ended,
      runNode('src/cli.ts', ['check-documents', manifestFolder, file, '--json'], {}).ended,
    ]);
    expect(text).toEqual({ code: 0, stdout: '4 documents can be trusted.\n', stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({ documents: 4 });
  });

  it('fails with a line for each document that is not valid', async () => {
    const file = join(await temporaryFolder(), 'broken.json');
    await writeFile(file, '{ "a": "{ viewer { emial } }", "b": "{ viewer { id } }", "c": "{" }');
    const { code, stdout, stderr } = await runNode('src/cli.ts', ['check-documents', file], {}).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.split('\n')).toEqual([
      `The document "a" in ${file} cannot be trusted: Cannot query field "emial" on type "User". Did you mean "email"?`,
      `The document "c" in ${file} cannot be trusted: Syntax Error: Expected Name, found <EOF>.`,
      '',
    ]);
  });
});
