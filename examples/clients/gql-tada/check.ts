/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import { addApp, confirmApp } from './src/authenticator-app.ts';
import { Client } from './src/client.ts';
import { describe, readViewer, revoke } from './src/devices.ts';
import { completeLogin, login, type NextStep, signUp } from './src/sign-in.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const email = `gql-tada-${crypto.randomUUID()}@example.com`;
const password = 'correct horse battery staple';

const laptop = new Client(url);
assert.match(String(await signUp(laptop, email, 'short')), /^password: /);
assert.equal(await readViewer(laptop), null);
assert.equal(await signUp(laptop, email, password), null);
assert.equal((await readViewer(laptop))?.email, email);

const phone = new Client(url);
assert.match(String(await signUp(phone, email, password)), /taken/);
assert.match(String(await login(phone, email, 'wrong horse battery staple')), /password is wrong/);
assert.equal(await login(phone, email, password), null);

const devices = async (client: Client) => (await readViewer(client))?.sessions?.map(describe) ?? [];
const [other] = (await devices(laptop)).filter(({ line }) => !line.endsWith('(this one)'));
assert.ok(other);
assert.equal(await revoke(laptop, other.id), null);
assert.ok(!(await devices(laptop)).some(({ id }) => id === other.id));
assert.match((await revoke(laptop, 'unknown')) ?? '', /./);

// The session is over: the next request tells it, and the client forgets the token.
assert.notEqual(phone.sessionToken, null);
assert.equal(await readViewer(phone), null);
assert.equal(phone.sessionToken, null);
await assert.rejects(revoke(phone, other.id), { code: 'UNAUTHENTICATED' });

assert.equal(await login(phone, email, password), null);
assert.equal((await devices(phone)).length, 2);

/** Returns the step of a login that waits for a code. */
function codeStep(next: NextStep) {
  assert.ok(next !== null && typeof next === 'object' && next.__typename === 'SecondFactorRequired');
  return next;
}

// Add an authenticator app. The server takes its current code and the next one, each once.
const app = await addApp(phone, null);
assert.ok(typeof app === 'object');
const totp = new TOTP({ secret: Secret.fromBase32(app.secret) });
const now = Date.now();
const [currentCode, nextCode] = [totp.generate({ timestamp: now }), totp.generate({ timestamp: now + 30_000 })];
assert.match(String(await confirmApp(phone, app, '12345')), /code/);
const recoveryCodes = await confirmApp(phone, app, currentCode);
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.equal((await devices(phone)).length, 1);

// Another device needs a code from now on. A code works once, and a wrong one keeps the step.
assert.equal(await readViewer(laptop), null);
const step = codeStep(await login(laptop, email, password));
assert.deepEqual(step.methods, ['TOTP', 'RECOVERY_CODE']);
assert.equal(await readViewer(laptop), null);
assert.match(String(await completeLogin(laptop, step, { code: currentCode, trustDevice: false })), /code/);
assert.equal(await completeLogin(laptop, step, { code: nextCode, trustDevice: true }), null);
assert.equal((await readViewer(laptop))?.email, email);
assert.match(String(await completeLogin(laptop, step, { code: nextCode, trustDevice: false })), /used already/);

// The trusted device is asked for no code, and others are.
assert.equal(await login(laptop, email, password), null);
const recoveryCode = recoveryCodes[0] ?? '';
const phoneStep = codeStep(await login(phone, email, password));
assert.equal(await completeLogin(phone, phoneStep, { code: recoveryCode, trustDevice: false }), null);
assert.equal((await devices(phone)).length, 2);
// It was not trusted, so the next login asks again.
codeStep(await login(phone, email, password));
console.log('All steps passed.');
