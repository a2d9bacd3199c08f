import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OperatorNotice } from '../../src/errors.ts';
import { openTrustedDocuments } from '../../src/trusted-documents/trusted-documents.ts';
import { temporaryFolder } from '../support/database.ts';
import {
  apolloId,
  apolloManifest,
  documents,
  manifestFolder,
  presetId,
  relayId,
  relayManifest,
} from '../support/manifests.ts';

const newest = { new: 'query Newest { currentSession { id } }' };

/** Opens the documents of a path. Returns them with the reported notices. */
async function open(path: string) {
  const notices: [severity: string, message: string][] = [];
  const report = (notice: unknown) => {
    if (!(notice instanceof OperatorNotice)) throw notice;
    notices.push([notice.severity, notice.message]);
  };
  return { trusted: await openTrustedDocuments({ path, mode: 'off' }, report), notices };
}

/** Returns a folder with a manifest of these documents. */
async function folderOf(manifests: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(manifests)) await writeFile(join(folder, name), content);
  return folder;
}

/** Replaces a file in one step, so that nobody reads a part of it. */
async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

describe('manifests', () => {
  it('of Relay, the client preset and Apollo are read from one folder', async () => {
    const { trusted } = await open(manifestFolder);
    expect(trusted.count).toBe(3);
    expect([relayId, presetId, apolloId].map(trusted.textOf)).toEqual(Object.values(documents));
    expect(trusted.isTrusted(documents.viewer)).toBe(true);
    expect(trusted.isTrusted(`${documents.viewer} `)).toBe(false);
    expect(['', '__proto__', 'constructor', relayId.toUpperCase()].map(trusted.textOf)).toEqual(
      Array(4).fill(undefined),
    );
  });

  it('may repeat a document, and be a single file with any name', async () => {
    const folder = await folderOf({
      'a.json': relayManifest,
      'b.json': relayManifest,
      'c.txt': 'no JSON',
      '.d.json': '{',
    });
    expect((await open(folder)).trusted.count).toBe(1);
    await writeFile(join(folder, 'queries'), apolloManifest);
    expect((await open(join(folder, 'queries'))).trusted.count).toBe(1);
  });

  it.each([
    ['{', 'The file PATH is not a JSON object.'],
    ['[]', 'The file PATH is not a JSON object.'],
    ['{}', 'The manifests have no document.'],
    ['{"": "{ __typename }"}', 'The file PATH has an id that is no text of 1 to 256 characters.'],
    ['{"a": 1}', 'The file PATH has no text for the id "a".'],
    [apolloManifest.replace('"version": 1', '"version": 2'), 'is no apollo-persisted-query-manifest of version 1'],
    [
      '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [1]}',
      'has an operation that is no object',
    ],
    [
      '{"a": "{ viewer { emial } }"}',
      'The document "a" in PATH cannot be trusted: Cannot query field "emial" on type "User"',
    ],
    ['{"a": "{ viewer {"}', 'The document "a" in PATH cannot be trusted: Syntax Error: Expected Name, found <EOF>.'],
    ['{"a": ""}', 'The document "a" in PATH cannot be trusted: Syntax Error: Unexpected <EOF>.'],
    [
      `{"a": "{ ${'id '.repeat(2_000)}}"}`,
      'The document "a" in PATH cannot be trusted: Syntax Error: Document contains more',
    ],
    [
      `{"a": "{ ${'viewer { id } '.repeat(400)}}"}`,
      'The document "a" in PATH cannot be trusted: The document has too many',
    ],
  ])('that are not valid are refused with a sentence: %.60s', async (content, sentence) => {
    const folder = await folderOf({ 'a.json': content });
    await expect(open(folder)).rejects.toThrow(sentence.replace('PATH', join(folder, 'a.json')));
  });

  it('with one id for two documents, and with many problems, are refused with a line for each', async () => {
    const other = JSON.stringify({ [relayId]: documents.logout });
    const folder = await folderOf({ 'a.json': relayManifest, 'b.json': other });
    await expect(open(folder)).rejects.toThrow(
      `The document "${relayId}" in ${join(folder, 'b.json')} is another one than in ${join(folder, 'a.json')}.`,
    );
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`id${n}`, `{ field${n} }`]));
    const error = await open(await folderOf({ 'a.json': JSON.stringify(many) })).catch(({ message }: Error) => message);
    const lines = String(error).split('\n');
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('There are 10 more problems.');
  });

  it('that are missing, too many or too large are refused', async () => {
    const folder = await temporaryFolder();
    await expect(open(folder)).rejects.toThrow(`The folder ${folder} has no file with the suffix .json.`);
    await expect(open(join(folder, 'missing'))).rejects.toThrow(
      /^The trusted documents in .*missing cannot be read: ENOENT/,
    );
    await writeFile(join(folder, 'a.json'), ' '.repeat(16 * 1024 * 1024 + 1));
    await expect(open(folder)).rejects.toThrow('are more than 100 files and 16 MB');
    const long = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [n, '{ __typename }']));
    await expect(open(await folderOf({ 'a.json': JSON.stringify(long) }))).rejects.toThrow('more than 10000 trusted');
  });
});

describe('changed manifests', () => {
  it('replace all documents at once when they are reloaded', async () => {
    const folder = await folderOf({ 'a.json': relayManifest });
    const { trusted, notices } = await open(folder);
    await writeFile(join(folder, 'a.json'), JSON.stringify(newest));
    expect(trusted.textOf('new')).toBeUndefined();
    await trusted.reload();
    expect([trusted.textOf('new'), trusted.textOf(relayId), trusted.count]).toEqual([newest.new, undefined, 1]);
    expect(trusted.isTrusted(documents.viewer)).toBe(false);
    expect(notices).toEqual([['info', `The trusted documents of ${folder} were loaded: 1.`]]);
  });

  it('that are not valid are refused by the reload, and change nothing', async () => {
    const folder = await folderOf({ 'a.json': relayManifest });
    const { trusted } = await open(folder);
    for (const broken of ['{', '{}', '{"a": "{ nothing }"}']) {
      await writeFile(join(folder, 'a.json'), broken);
      await expect(trusted.reload()).rejects.toThrow(/\.$/);
      expect(trusted.textOf(relayId)).toBe(documents.viewer);
    }
    await writeFile(join(folder, 'a.json'), JSON.stringify(newest));
    await Promise.all([trusted.reload(), trusted.reload()]);
    expect(trusted.textOf('new')).toBe(newest.new);
  });

  it('are found by the watch: written, replaced, and behind a symbolic link, as a ConfigMap', async () => {
    const [first, second] = [
      await folderOf({ 'a.json': relayManifest }),
      await folderOf({ 'a.json': JSON.stringify(newest) }),
    ];
    const mount = await temporaryFolder();
    await symlink(first, join(mount, '..data'));
    await symlink(join('..data', 'a.json'), join(mount, 'a.json'));
    const { trusted, notices } = await open(mount);
    const watch = trusted.watch(10);
    onTestFinished(() => watch.stop());
    await symlink(second, join(mount, '..new'));
    await rename(join(mount, '..new'), join(mount, '..data'));
    await expect.poll(() => trusted.textOf('new')).toBe(newest.new);
    await replace(join(second, 'a.json'), '{');
    await expect.poll(() => notices.at(-1)?.[0]).toBe('error');
    expect(notices.at(-1)?.[1]).toBe(
      `The file ${join(mount, 'a.json')} is not a JSON object.\nThe trusted documents from before stay in use.`,
    );
    await rm(join(second, 'a.json'));
    await expect.poll(() => notices.at(-1)?.[1]).toMatch(/cannot be read: ENOENT.*\n.*stay in use\.$/);
    expect(trusted.textOf('new')).toBe(newest.new);
    await replace(join(second, 'a.json'), relayManifest);
    await expect.poll(() => trusted.textOf(relayId)).toBe(documents.viewer);
    // Once for each change, although the files were compared more often.
    expect(notices.map(([severity]) => severity)).toEqual(['info', 'error', 'error', 'info']);
  });
});
