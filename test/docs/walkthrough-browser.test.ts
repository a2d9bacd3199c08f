import { readFile } from 'node:fs/promises';
import type { CDPSession, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Data } from '../support/api.ts';
import { openBrowser } from '../support/browser.ts';
import { browserPath } from '../support/chromium.ts';
import { codeBlocksOf } from '../support/code-blocks.ts';
import { emptyDatabase } from '../support/database.ts';
import { paste, replaceText } from '../support/graphiql.ts';
import { freePort } from '../support/ports.ts';
import { runNode, runProgram, startServer } from '../support/process.ts';
import { addVirtualAuthenticator } from '../support/virtual-authenticator.ts';

const heading = 'A user loses the phone';

/** Runs the operation in the editor, and returns the whole answer. */
async function run(page: Page, query: string): Promise<Data> {
  await replaceText(page, '.graphiql-query-editor', query);
  const answered = page.waitForResponse((response) => {
    const body = response.request().postDataJSON();
    return body?.query?.trim() === query.trim();
  });
  await page.getByRole('button', { name: /^Execute query/ }).click();
  return (await answered).json();
}

/** Runs code as the console of Chromium's tools for developers does, and returns what it copies. */
async function runInConsole(devTools: CDPSession, expression: string): Promise<string> {
  const copying = new Promise<string>((resolve) => {
    devTools.once('Runtime.inspectRequested', ({ object }) => resolve(object.value));
  });
  // Its own functions, such as `copy`, are gone as soon as the code has waited.
  const asConsole = { includeCommandLineAPI: true, replMode: true, awaitPromise: true, userGesture: true };
  const { exceptionDetails } = await devTools.send('Runtime.evaluate', { expression, ...asConsole });
  expect(exceptionDetails?.exception?.description).toBeUndefined();
  return copying;
}

describe.skipIf(!browserPath)('the walkthrough in GraphiQL', { tags: ['slow/browser'] }, () => {
  it('takes a user who loses the phone from the sign-up back into the account', async () => {
    const key = (await runNode('src/cli.ts', ['create-encryption-key'], {}).ended).stdout.trim();
    const server = await startServer(await emptyDatabase(), { ENCRYPTION_KEYS: key, PORT: String(await freePort()) });
    const page = await (await openBrowser()).newPage();
    const { devTools } = await addVirtualAuthenticator(page);
    await devTools.send('Runtime.enable');
    const url = new URL(server.address);
    await page.goto(`http://localhost:${url.port}${url.pathname}`);
    await page.locator('.graphiql-query-editor').getByText('Begin here').waitFor();

    /** What the user copies, by the words after "paste" in the text. */
    const copied: Record<string, string> = {};
    const fill = (code: string) => code.replaceAll(/paste (?:the|a) ([a-z ]+) here/g, (_, what) => copied[what] ?? '');
    const answers: Data[] = [];
    const blocks = codeBlocksOf(await readFile('docs/walkthrough.md', 'utf8'));
    for (const { language, code, before } of blocks.filter((block) => block.before.startsWith(heading))) {
      const filled = fill(code);
      if (language === 'sh') {
        const { secret } = copied;
        // The others start the server: that has happened.
        if (!secret) continue;
        const command = filled.replace(/^node /, `'${process.execPath}' `);
        const { code: exitCode, stdout } = await runProgram(['sh', '-c', command]).ended;
        expect(exitCode, before).toBe(0);
        copied.code = stdout.trim();
      } else if (language === 'js') {
        copied.variables = await runInConsole(devTools, filled.replace('ANSWER', JSON.stringify(answers.at(-1))));
      } else {
        if (/^mutation \(/.test(filled)) await paste(page, 'Variables', JSON.parse(copied.variables ?? ''));
        const answer = await run(page, filled);
        expect(answer.errors, filled).toBeUndefined();
        expect(JSON.stringify(answer), filled).not.toMatch(/"code":/);
        answers.push(answer);
        const [result] = Object.values<Data>(answer.data);
        Object.assign(copied, result, { 'recovery code': result.recoveryCodes?.[0] ?? copied['recovery code'] });
      }
    }

    const results = answers.map(({ data }) => Object.values<Data>(data)[0]);
    const methods = results.find((result) => result.methods)?.methods;
    expect(methods?.sort()).toEqual(['PASSKEY', 'RECOVERY_CODE', 'TOTP']);
    const session = { assuranceLevel: 2 };
    expect(results.find((result) => result.viewer?.recoveryCodesLeft === 9)).toMatchObject({ session });
    const byPasskey = { ...session, proofs: [{ method: 'PASSKEY' }] };
    expect(results.at(-1)).toMatchObject({ viewer: { email: 'linus@example.com' }, session: byPasskey });
  });
});
