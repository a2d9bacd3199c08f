/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import { Account } from './src/account.ts';
import { describeStep, type NewApp, type NextStep, type SecondFactor } from './src/steps.ts';
import { fileStore } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const folder = mkdtempSync(join(tmpdir(), 'sessions-fetch-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const credentials = { email: `fetch-${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };
const store = fileStore(join(folder, 'laptop.json'));
const laptop = new Account(url, store);
const phone = new Account(url, fileStore(join(folder, 'phone.json')));
const emailOf = (account: Account) => account.viewer?.email;

/** Returns the code that an authenticator app shows, and the next one. The server takes each of them once. */
function codesOf(secret: string): { current: string; next: string } {
  const app = new TOTP({ secret: Secret.fromBase32(secret) });
  const now = Date.now();
  return { current: app.generate({ timestamp: now }), next: app.generate({ timestamp: now + 30_000 }) };
}

/** Returns the step of a sign-in that waits for a code. */
function pendingStep<Type extends (SecondFactor | NewApp)['__typename']>(next: NextStep, type: Type) {
  assert.ok(next !== null && typeof next === 'object' && next.__typename === type);
  return next as Extract<SecondFactor | NewApp, { __typename: Type }>;
}

/** Takes an action while the server has no database. */
async function duringOutage(act: () => Promise<unknown>): Promise<void> {
  const { fetch } = globalThis;
  const errors = [{ message: 'Try again.', path: ['viewer'], extensions: { code: 'SERVICE_UNAVAILABLE' } }];
  const init = { status: 503, headers: { 'content-type': 'application/graphql-response+json' } };
  globalThis.fetch = async () => new Response(JSON.stringify({ data: { viewer: null }, errors }), init);
  await act();
  globalThis.fetch = fetch;
}

// Sign up. Others could read the file of before.
writeFileSync(join(folder, 'laptop.json'), '{"session":null,"device":null}');
chmodSync(join(folder, 'laptop.json'), 0o644);
assert.equal(await laptop.signUp(credentials), null);
assert.equal(emailOf(laptop), credentials.email);
assert.equal(statSync(join(folder, 'laptop.json')).mode & 0o077, 0, 'only this user may read the tokens');
assert.deepEqual(readdirSync(folder), ['laptop.json']);

// A second program of the user, with the same file, finds the session.
const restarted = new Account(url, store);
await restarted.load();
assert.equal(emailOf(restarted), credentials.email);

// Refusals are data, with a sentence for the user.
assert.equal(await phone.signUp(credentials), 'You have an account already. Log in.');
assert.equal(
  await phone.logIn({ ...credentials, password: 'not the password' }),
  'The email address or the password is wrong.',
);
assert.match(String(await phone.signUp({ email: 'nobody', password: 'short' })), /^email: .+password: /);
assert.equal(emailOf(phone), undefined);

// A login makes a second device.
assert.equal(await phone.logIn(credentials), null);

// An outage is not the end of a session.
await duringOutage(() => assert.rejects(phone.load(), { code: 'SERVICE_UNAVAILABLE' }));
assert.equal(emailOf(phone), credentials.email);

// Revoke the second device: it leaves the list by its id.
await laptop.load();
assert.equal(laptop.devices.length, 2);
const other = laptop.devices.find(({ isCurrent }) => !isCurrent);
assert.ok(other && new Date(other.lastSeenAt) <= new Date());
assert.equal(await laptop.revoke(other.id), null);
assert.deepEqual(
  laptop.devices.map(({ isCurrent }) => isCurrent),
  [true],
);
assert.equal(await laptop.revoke('unknown'), 'This device is signed out already.');

// On the revoked device, the next request finds nobody signed in. Its state and its token are gone.
assert.equal(emailOf(phone), credentials.email);
await phone.load();
assert.equal(emailOf(phone), undefined);
assert.equal(fileStore(join(folder, 'phone.json')).read().session, null);
await assert.rejects(phone.revoke(other.id), { code: 'UNAUTHENTICATED' });

// Sign in again, and out.
assert.equal(await phone.logIn(credentials), null);
assert.equal(emailOf(phone), credentials.email);
await phone.logOut();
assert.equal(emailOf(phone), undefined);

// Another user signs up over a session, while an answer is still on its way. Nothing of the first user is left.
await laptop.load();
assert.equal(laptop.devices.length, 1);
const { promise: signedUp, resolve: release } = Promise.withResolvers<void>();
const { fetch } = globalThis;
globalThis.fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!String(init?.body).includes('mutation')) await signedUp;
  return response;
};
const loading = laptop.load();
const nextUser = { ...credentials, email: `next-${credentials.email}` };
assert.equal(await laptop.signUp(nextUser), null);
release();
await loading;
assert.equal(emailOf(laptop), nextUser.email);
assert.deepEqual(laptop.devices, []);

// Add an authenticator app: the session gets another token, and all others of the user end.
const wrongCode = 'This code is wrong, or it was used already. Type the next one.';
assert.equal(await phone.logIn(credentials), null);
const app = pendingStep(await phone.startApp(), 'StartAuthenticatorAppPayload');
assert.ok(app.uri.includes(app.secret));
const { current, next: nextCode } = codesOf(app.secret);
assert.deepEqual(await phone.confirmApp(app, '12345'), { ...app, problem: wrongCode });
const recoveryCodes = await phone.confirmApp(app, current);
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
await phone.load();
assert.equal(phone.devices.length, 1);

// From now on, a login has a second step. Each code works once, and a wrong one keeps the step.
await phone.logOut();
const step = pendingStep(await phone.logIn(credentials), 'SecondFactorRequired');
assert.equal(describeStep(step), 'Type the code of your authenticator app or a recovery code.');
assert.equal(fileStore(join(folder, 'phone.json')).read().session, null);
const again = await phone.completeLogin(step, { code: current, trustDevice: false });
assert.deepEqual(again, { ...step, problem: wrongCode });
assert.equal(await phone.completeLogin(step, { code: nextCode, trustDevice: true }), null);
assert.equal(emailOf(phone), credentials.email);
const used = await phone.completeLogin(step, { code: nextCode, trustDevice: true });
assert.equal(used, 'This challenge was used already. Begin again.');

// This device asks for no code now. Another one does, and a recovery code is an answer too.
await phone.logOut();
assert.equal(await phone.logIn(credentials), null);
const tablet = new Account(url, fileStore(join(folder, 'tablet.json')));
const tabletStep = pendingStep(await tablet.logIn(credentials), 'SecondFactorRequired');
const code = recoveryCodes[0]?.toLowerCase() ?? '';
assert.equal(await tablet.completeLogin(tabletStep, { code, trustDevice: false }), null);
assert.equal(emailOf(tablet), credentials.email);
// It was not trusted, so the next login asks again.
pendingStep(await tablet.logIn(credentials), 'SecondFactorRequired');
console.log('All steps passed.');
