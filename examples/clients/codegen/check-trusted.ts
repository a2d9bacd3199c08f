/** The same against a server that executes only the documents of this client, with `TRUSTED_DOCUMENTS_MODE=only`. */
import assert from 'node:assert/strict';
import { Client } from './src/client.ts';
import { readViewer, revoke } from './src/devices.ts';
import { login, signUp } from './src/sign-in.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const email = `trusted-${crypto.randomUUID()}@example.com`;
const password = 'correct horse battery staple';

const laptop = new Client(url, { sendsIds: true });
const phone = new Client(url, { sendsIds: true });
assert.equal(await signUp(laptop, email, password), null);
assert.equal(await login(phone, email, password), null);
const other = (await readViewer(laptop))?.sessions?.find(({ isCurrent }) => !isCurrent);
assert.equal(await revoke(laptop, other?.id ?? ''), null);
assert.equal(await readViewer(phone), null);

// The same documents as text are refused, and so is an unknown ID.
const withTexts = new Client(url);
withTexts.sessionToken = laptop.sessionToken;
await assert.rejects(readViewer(withTexts), { code: 'PERSISTED_QUERY_ID_REQUIRED' });
const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ documentId: `sha256:${'0'.repeat(64)}` }),
});
const { errors } = await response.json();
assert.equal(errors[0].extensions.code, 'PERSISTED_QUERY_NOT_IN_LIST');
assert.equal((await readViewer(laptop))?.sessions?.length, 1);
console.log('All steps passed.');
