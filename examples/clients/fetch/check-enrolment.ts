/** A sign-up on a server that demands a second factor from everybody, with `REQUIRE_SECOND_FACTOR=*`. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { Account } from './src/account.ts';
import { fileStore } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const folder = mkdtempSync(join(tmpdir(), 'sessions-fetch-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const credentials = { email: `enrolment-${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };
const laptop = new Account(url, fileStore(join(folder, 'laptop.json')));
const emailOfLaptop = () => laptop.viewer?.email;

// The account exists, and nobody is signed in. A login has the same step.
const first = await laptop.signUp(credentials);
assert.ok(typeof first === 'object' && first?.__typename === 'StartAuthenticatorAppPayload');
await laptop.load();
assert.equal(emailOfLaptop(), undefined);
const app = await laptop.logIn(credentials);
assert.ok(typeof app === 'object' && app?.__typename === 'StartAuthenticatorAppPayload');

// The first code of the app ends the sign-in.
const wrong = await laptop.confirmApp(app, '12345');
assert.ok(typeof wrong === 'object' && !Array.isArray(wrong) && wrong.problem);
const recoveryCodes = await laptop.confirmApp(app, new TOTP({ secret: Secret.fromBase32(app.secret) }).generate());
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
await laptop.load();
assert.equal(emailOfLaptop(), credentials.email);
console.log('All steps passed.');
