/** @module-tag slow/process */
import { expect, it } from 'vitest';
import { runNode } from '../support/process.ts';

it('ends a command without an error whose reader has closed standard output, as head does', async () => {
  const { child, ended } = runNode('src/cli.ts', ['print-schema'], {});
  child.stdout?.destroy();
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
});
