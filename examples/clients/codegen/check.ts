/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import assert from 'node:assert/strict';
import { Client } from './src/client.ts';
import { readViewer, revoke } from './src/devices.ts';
import { login, signUp } from './src/sign-in.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const email = `codegen-${crypto.randomUUID()}@example.com`;
const password = 'correct horse battery staple';

const laptop = new Client(url);
assert.match((await signUp(laptop, email, 'short')) ?? '', /^password: /);
assert.equal(await readViewer(laptop), null);
assert.equal(await signUp(laptop, email, password), null);
assert.equal((await readViewer(laptop))?.email, email);

const phone = new Client(url);
assert.match((await signUp(phone, email, password)) ?? '', /taken/);
assert.match((await login(phone, email, 'wrong horse battery staple')) ?? '', /password is wrong/);
assert.equal(await login(phone, email, password), null);

const devices = async (client: Client) => (await readViewer(client))?.sessions ?? [];
const other = (await devices(laptop)).find(({ isCurrent }) => !isCurrent);
assert.ok(other);
assert.equal(await revoke(laptop, other.id), null);
assert.ok(!(await devices(laptop)).some(({ id }) => id === other.id));

// The session is over: the next request tells it, and the client deletes the token.
assert.notEqual(phone.sessionToken, null);
assert.equal(await readViewer(phone), null);
assert.equal(phone.sessionToken, null);
await assert.rejects(revoke(phone, other.id), { code: 'UNAUTHENTICATED' });

assert.equal(await login(phone, email, password), null);
assert.equal((await devices(phone)).length, 2);
console.log('All steps passed.');
