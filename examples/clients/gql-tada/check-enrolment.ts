/** A sign-up on a server that demands a second factor from everybody, with `REQUIRE_SECOND_FACTOR=*`. */
import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import { confirmApp } from './src/authenticator-app.ts';
import { Client } from './src/client.ts';
import { readViewer } from './src/devices.ts';
import { login, type NextStep, signUp } from './src/sign-in.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const email = `enrolment-${crypto.randomUUID()}@example.com`;
const password = 'correct horse battery staple';
const laptop = new Client(url);

/** Returns the app that the user has to add. */
function newApp(next: NextStep) {
  assert.ok(next !== null && typeof next === 'object' && next.__typename === 'StartAuthenticatorAppPayload');
  return next;
}

// The account exists, and nobody is signed in. A login has the same step.
newApp(await signUp(laptop, email, password));
assert.equal(laptop.sessionToken, null);
const app = newApp(await login(laptop, email, password));

// The first code of the app ends the sign-in.
assert.match(String(await confirmApp(laptop, app, '12345')), /code/);
const recoveryCodes = await confirmApp(laptop, app, new TOTP({ secret: Secret.fromBase32(app.secret) }).generate());
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.notEqual(laptop.sessionToken, null);
assert.equal((await readViewer(laptop))?.email, email);
console.log('All steps passed.');
