/** A sign-up on a server that demands a second factor from everybody, with `REQUIRE_SECOND_FACTOR=*`. */
import assert from 'node:assert/strict';
import { Secret, TOTP } from 'otpauth';
import { createClient } from './src/client.ts';
import { viewerQuery } from './src/operations.ts';
import { confirmApp, logIn, type SignIn, signUp } from './src/sessions.ts';
import type { NextStep } from './src/steps.ts';
import { memoryStore } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const credentials = { email: `enrolment-${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };
const store = memoryStore();
const signIn: SignIn = {
  client: createClient(url, store),
  transport: 'BEARER',
  keep: ({ token, deviceToken }) => store.write({ session: token, device: deviceToken }),
};

/** Returns the app that the user has to add. */
function newApp(next: NextStep) {
  assert.ok(next !== null && typeof next === 'object' && next.__typename === 'StartAuthenticatorAppPayload');
  return next;
}

// The account exists, and nobody is signed in. A login has the same step.
newApp(await signUp(signIn, credentials));
assert.equal(store.read().session, null);
const app = newApp(await logIn(signIn, credentials));

// The first code of the app ends the sign-in.
const { problem } = newApp((await confirmApp(signIn, app, '12345')) as NextStep);
assert.match(problem ?? '', /wrong/);
const recoveryCodes = await confirmApp(signIn, app, new TOTP({ secret: Secret.fromBase32(app.secret) }).generate());
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.notEqual(store.read().session, null);
const { data } = await signIn.client.query({ query: viewerQuery, fetchPolicy: 'network-only' });
assert.equal(data?.viewer?.email, credentials.email);
console.log('All steps passed.');
