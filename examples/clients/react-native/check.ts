/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { Secret, TOTP } from 'otpauth';
import { FakeStore, hold, network } from './fakes.ts';
import { addApp, confirmApp } from './src/authenticator-app.ts';
import { Client } from './src/client.ts';
import { describe, readViewer, revoke } from './src/devices.ts';
import { changePassword, reauthenticate } from './src/password.ts';
import { completeLogin, login, logout, type NextStep, signUp } from './src/sign-in.ts';
import { openTokens } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const email = `phone-${crypto.randomUUID()}@example.com`;
const password = 'correct horse battery staple';
const sessionKey = 'sessions.session';

let sessionsOver = 0;
const reports: unknown[] = [];

/** Starts the app on a phone with this store. */
async function start(store: FakeStore, userAgent = 'ExampleApp/1.0 (iPhone; iOS 19.1)') {
  const tokens = await openTokens(store, (error) => reports.push(error));
  return new Client({ url, tokens, userAgent, onSessionOver: () => sessionsOver++ });
}

const store = new FakeStore();
let phone = await start(store);
const tablet = await start(new FakeStore(), 'ExampleApp/1.0 (iPad; iPadOS 19.1)');

// Sign up, and find the own devices.
assert.match(String(await signUp(phone, email, 'short')), /^password: /);
assert.equal(await readViewer(phone), null);
assert.equal(await signUp(phone, email, password), null);
assert.equal(store.values.size, 2);
assert.match(String(await signUp(tablet, email, password)), /taken/);
assert.match(String(await login(tablet, email, 'wrong horse battery staple')), /password is wrong/);
assert.equal(await login(tablet, email, password), null);

const devices = async (client: Client) => (await readViewer(client))?.sessions?.map(describe) ?? [];
assert.ok((await devices(phone)).some(({ line }) => line === 'ExampleApp on iOS (this one)'));

// Revoke the tablet: it leaves the list. Its next request tells that nobody is signed in.
const other = (await devices(phone)).find(({ line }) => !line.endsWith('(this one)'));
assert.ok(other);
assert.equal(await revoke(phone, other.id), null);
assert.ok(!(await devices(phone)).some(({ id }) => id === other.id));
assert.equal(await readViewer(tablet), null);
assert.deepEqual([tablet.tokens.session, sessionsOver], [null, 1]);
assert.notEqual(tablet.tokens.device, null);

// The app starts again: first with the session, then after the session ended elsewhere.
phone = await start(store);
assert.equal((await readViewer(phone))?.email, email);
assert.equal(await login(tablet, email, password), null);
const own = (await devices(phone)).find(({ line }) => line.endsWith('(this one)'));
assert.equal(await revoke(tablet, own?.id ?? ''), null);
phone = await start(store);
await assert.rejects(revoke(phone, other.id), { code: 'UNAUTHENTICATED' });
assert.deepEqual([phone.tokens.session, store.values.has(sessionKey), sessionsOver], [null, false, 2]);
assert.equal(await login(phone, email, password), null);

// No answer, or one that is not about the session: nobody is signed out.
const unavailable = { data: { viewer: null }, errors: [{ message: '', extensions: { code: 'SERVICE_UNAVAILABLE' } }] };
const failures: [string, () => Response][] = [
  ['UNREACHABLE', () => assert.fail(new TypeError('Network request failed'))],
  ['UNREACHABLE', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
  ['UNREACHABLE', () => Response.json({ login: 'hotel' })],
  ['SERVICE_UNAVAILABLE', () => Response.json(unavailable, { status: 503 })],
];
for (const [code, fail] of failures) {
  network.intercept = async () => fail();
  await assert.rejects(readViewer(phone), { code });
  await assert.rejects(logout(phone), { code });
}
network.intercept = null;
assert.equal((await readViewer(phone))?.email, email);

// The token is replaced while a request is on its way: the client sends it again with the new token, as soon as it has it.
const late = hold({ Viewer: 'request', Reauthenticate: 'answer' });
const before = readViewer(phone);
await late.isHeld('Viewer');
const replacement = reauthenticate(phone, password);
await late.isHeld('Reauthenticate');
network.statuses = [];
late.release('Viewer');
while (network.statuses.length === 0) await setImmediate();
late.release('Reauthenticate');
assert.equal(await replacement, null);
assert.equal((await before)?.email, email);
assert.deepEqual(network.statuses, [409, 200]);
assert.equal(sessionsOver, 2);

// Requests during a replacement wait for the new token. Two replacements follow each other.
const slow = hold({ Reauthenticate: 'answer' });
const replacements = [reauthenticate(phone, password), reauthenticate(phone, password)];
const during = readViewer(phone);
await slow.isHeld('Reauthenticate');
network.statuses = [];
slow.release('Reauthenticate');
assert.deepEqual(await Promise.all(replacements), [null, null]);
assert.equal((await during)?.email, email);
assert.deepEqual(network.statuses, [200, 200]);
assert.equal(store.values.get(sessionKey), phone.tokens.session);

// The answer with the new token is lost: the user logs in again.
for (const act of [() => readViewer(phone), () => reauthenticate(phone, password)]) {
  const over: number = sessionsOver;
  network.intercept = async (send) => {
    await send();
    throw new TypeError('Network request failed');
  };
  await assert.rejects(reauthenticate(phone, password), { code: 'UNREACHABLE' });
  network.intercept = null;
  network.statuses = [];
  await act().catch((error) => assert.equal(error.code, 'SESSION_TOKEN_REPLACED'));
  assert.equal(network.statuses[0], 409);
  assert.ok(network.statuses.length <= 2);
  assert.deepEqual([phone.tokens.session, sessionsOver], [null, over + 1]);
  assert.equal(await login(phone, email, password), null);
}

// An answer about another session than the current one ends nothing.
assert.equal(await login(tablet, email, password), null);
const current = tablet.tokens.session;
await tablet.tokens.set({ session: 'unknown' });
const stale = hold({ Viewer: 'answer' });
const answer = readViewer(tablet);
await stale.isHeld('Viewer');
await tablet.tokens.set({ session: current });
stale.release('Viewer');
assert.equal(await answer, null);
assert.equal(tablet.tokens.session, current);
network.intercept = null;

// A slow store keeps the newest token, and requests alone write nothing.
const { session } = phone.tokens;
const older = phone.tokens.set({ session: 'slow' });
await Promise.resolve();
await Promise.all([older, phone.tokens.set({ session })]);
assert.equal(store.values.get(sessionKey), session);
const { writes } = store;
assert.equal((await readViewer(phone))?.email, email);
assert.equal(store.writes, writes);

// The store fails: the tokens are in memory, and the next request stores them.
store.isFailing = true;
await assert.rejects(start(store), /locked/);
const newPassword = 'staple battery horse correct';
assert.equal(await changePassword(phone, { currentPassword: password, newPassword }), null);
assert.equal((await devices(phone)).length, 1);
assert.notEqual(store.values.get(sessionKey), phone.tokens.session);
assert.ok(reports.length > 0);
store.isFailing = false;
assert.equal((await devices(phone)).length, 1);
assert.equal(store.values.get(sessionKey), phone.tokens.session);
phone = await start(store);
assert.equal((await readViewer(phone))?.email, email);

// Log out: only the token of the device stays.
await logout(phone);
assert.deepEqual([...store.values.keys()], ['sessions.device']);
assert.equal(await login(phone, email, newPassword), null);

/** Returns the step of a login that waits for a code. */
function codeStep(next: NextStep) {
  assert.ok(next !== null && typeof next === 'object' && next.__typename === 'SecondFactorRequired');
  return next;
}

// Add an authenticator app. The server takes its current code and the next one, each once. The token is replaced.
const app = await addApp(phone, null);
assert.ok(typeof app === 'object');
const totp = new TOTP({ secret: Secret.fromBase32(app.secret) });
const now = Date.now();
const [currentCode, nextCode] = [totp.generate({ timestamp: now }), totp.generate({ timestamp: now + 30_000 })];
assert.match(String(await confirmApp(phone, app, '12345')), /code/);
const beforeApp = phone.tokens.session;
const recoveryCodes = await confirmApp(phone, app, currentCode);
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.notEqual(phone.tokens.session, beforeApp);
assert.equal(store.values.get(sessionKey), phone.tokens.session);
assert.equal((await devices(phone)).length, 1);

// A login needs a code from now on. A code works once, and a wrong one keeps the step.
await logout(phone);
const step = codeStep(await login(phone, email, newPassword));
assert.deepEqual(step.methods, ['TOTP', 'RECOVERY_CODE']);
assert.deepEqual([...store.values.keys()], ['sessions.device']);
assert.match(String(await completeLogin(phone, step, { code: currentCode, trustDevice: false })), /code/);
assert.equal(await completeLogin(phone, step, { code: nextCode, trustDevice: true }), null);
assert.equal((await readViewer(phone))?.email, email);

// The trusted device is asked for no code, and others are.
await logout(phone);
assert.equal(await login(phone, email, newPassword), null);
const recoveryCode = recoveryCodes[0] ?? '';
const tabletStep = codeStep(await login(tablet, email, newPassword));
assert.equal(await completeLogin(tablet, tabletStep, { code: recoveryCode, trustDevice: false }), null);
assert.equal((await devices(tablet)).length, 2);
// It was not trusted, so the next login asks again.
codeStep(await login(tablet, email, newPassword));
console.log('All steps passed.');
