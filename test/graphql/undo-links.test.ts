/** @module-tag slow/takeover */
import { describe, expect, it } from 'vitest';
import { removePassword, setUserEmail, suspendUser } from '../../src/accounts/administration.ts';
import { pruneExpired } from '../../src/maintenance/prune.ts';
import { commandScope } from '../../src/scope.ts';
import { importBatch } from '../../src/transfer/import-batch.ts';
import {
  changeEmail,
  changePassword,
  loginOutcome,
  signUpProved,
  takeOver,
  undo,
  viewerOf,
} from '../support/account-changes.ts';
import { password, startApi, type TestApi } from '../support/api.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const hour = 3_600_000;
const ada = 'ada@example.com';
const thief = 'thief@example.net';
const stolen = 'password of the thief';
const fresh = 'another battery staple';
const refused = '... on UserError { code message }';
const invalid = { __typename: 'TokenInvalidError', code: 'TOKEN_INVALID' };

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

describe('link to undo a change', () => {
  it('is valid for 72 hours from the change, also if the mail is late', async () => {
    const api = await startApi();
    const owner = await signUpProved(api, ada);
    await owner.act('changePassword', { currentPassword: password, newPassword: stolen });
    later(api, 2 * hour);
    const [mail] = await deliverMail(api);
    later(api, 70 * hour);
    expect(await undo(api, { token: mail?.token ?? '' })).toEqual(invalid);
    later(api, -1);
    expect(await undo(api, { token: mail?.token ?? '' })).toMatchObject({ email: ada, hasPassword: true });
    expect(mail?.text).toMatch(/before \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
  });

  it('does not keep the mail from being sent when there is none', async () => {
    const api = await startApi();
    const owner = await signUpProved(api, ada);
    await owner.act('changePassword', { currentPassword: password, newPassword: stolen });
    await api.database.accountChange.deleteMany();
    const [mail] = await deliverMail(api);
    expect(mail).toMatchObject({ name: 'password-changed', token: null });
    expect(mail?.text).toContain('request a new password now');
  });

  it('survives a mail that has to be sent twice', async () => {
    const api = await startApi();
    const owner = await signUpProved(api, ada);
    await owner.act('changePassword', { currentPassword: password, newPassword: stolen });
    const [waiting] = await api.database.mail.findMany();
    const first = await deliverMail(api);
    await api.database.mail.create({ data: waiting ?? expect.fail() });
    const again = await deliverMail(api);
    expect(await undo(api, { token: tokenIn(first, 'password-changed') })).toMatchObject({ email: ada });
    expect(await undo(api, { token: tokenIn(again, 'password-changed') })).toEqual(invalid);
  });

  it.each(['', 'none', `${'0'.repeat(32)}.${'A'.repeat(43)}`])('is invalid if it is %j', async (token) => {
    expect(await undo(await startApi(), { token })).toEqual(invalid);
  });

  it('serves no other purpose, and no other link serves it', async () => {
    const api = await startApi();
    const owner = await signUpProved(api, ada);
    const { token } = await changePassword(api, owner, [password, stolen]);
    const input = { token, newPassword: fresh, transport: 'BEARER' };
    expect(await api.client().act('resetPassword', input, refused)).toMatchObject(invalid);
    await api.client().act('requestPasswordReset', { email: ada });
    const reset = tokenIn(await deliverMail(api), 'reset-password');
    expect(await undo(api, { token: reset })).toEqual(invalid);
    expect(await undo(api, { token })).toMatchObject({ email: ada });
    expect(await api.client().act('resetPassword', { ...input, token: reset }, refused)).toMatchObject(invalid);
  });

  it('gives no account to a stranger, whose address its user never proved', async () => {
    const api = await startApi();
    const owner = await api.signUp('typo@example.com', 'BEARER');
    await deliverMail(api);
    const changed = await changePassword(api, owner, [password, fresh]);
    const moved = await changeEmail(api, owner, ada, fresh);
    expect(moved).toMatchObject({ to: 'typo@example.com', token: null });
    expect(moved.text).toContain('contact the operator');
    expect(await undo(api, changed)).toEqual(invalid);
    expect(await viewerOf(owner)).toEqual({ email: ada });
  });

  it('restores the password of an account whose address is not proved, while the address is the same', async () => {
    const api = await startApi();
    const owner = await api.signUp(ada, 'BEARER');
    await deliverMail(api);
    const changed = await changePassword(api, owner, [password, stolen]);
    expect(await undo(api, changed)).toMatchObject({ email: ada, hasPassword: true });
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
  });

  it('is not in the mail about a first password: the address was not proved before', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    await root.act('createUser', { email: ada });
    const token = tokenIn(await deliverMail(api), 'set-password');
    await api.client().act('resetPassword', { token, newPassword: stolen, transport: 'BEARER' });
    const [mail] = await deliverMail(api);
    expect(mail).toMatchObject({ name: 'password-changed', to: ada, token: null });
  });

  it('keeps the restored password from changes for 72 hours from its use', async () => {
    const api = await startApi();
    const owner = await signUpProved(api, ada);
    const mail = await changePassword(api, owner, [password, stolen]);
    later(api, 71 * hour);
    await undo(api, mail);
    later(api, 2 * hour);
    const fast = api.client();
    await fast.login(ada, 'BEARER');
    const change = { currentPassword: password, newPassword: stolen };
    expect(await fast.act('changePassword', change, refused)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    later(api, 70 * hour);
    expect((await changePassword(api, fast, [password, fresh])).to).toBe(ada);
  });

  it('does not exist for a hash that a login replaced', async () => {
    const api = await startApi();
    const hashedPassword = foreignHashes['bcrypt $2b$'];
    await api.database.user.create({ data: { email: ada, hashedPassword, role: 'user' } });
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
    expect((await api.database.user.findUniqueOrThrow({ where: { email: ada } })).hashedPassword).not.toBe(
      hashedPassword,
    );
    expect(await api.database.accountChange.count()).toBe(0);
  });

  it('forgets failed attempts at the restored account, and its trusted devices', async () => {
    const { api, first } = await takeOver();
    for (let attempt = 0; attempt < 11; attempt += 1) await loginOutcome(api, ada, 'wrong');
    expect(await loginOutcome(api, ada, password)).toBe('RATE_LIMITED');
    await undo(api, first);
    expect(await api.database.userToken.count({ where: { purpose: 'KNOWN_DEVICE' } })).toBe(0);
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
  });
});

describe('address from before a change', () => {
  it('is kept for the account for 72 hours, so that a thief cannot take it', async () => {
    const { api, first, second } = await takeOver();
    const root = await api.signUpAdmin('root@example.com');
    const bob = await signUpProved(api, 'bob@example.com');
    expect(await api.client().signUp('ADA@example.com')).toMatchObject({ code: 'EMAIL_TAKEN' });
    expect(await root.act('createUser', { email: ada }, refused)).toMatchObject({ code: 'EMAIL_TAKEN' });
    await bob.act('requestEmailChange', { newEmail: ada, password });
    const token = tokenIn(await deliverMail(api), 'confirm-email-change');
    expect(await bob.act('confirmEmailChange', { token }, refused)).toMatchObject({ code: 'EMAIL_TAKEN' });
    expect(await undo(api, second)).toMatchObject({ email: ada });
    expect(await undo(api, first)).toMatchObject({ email: ada });
    const moved = await takeOver();
    later(moved.api, 72 * hour);
    expect(await moved.api.client().signUp(ada)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('is kept for the account against an operator too', async () => {
    const { api } = await takeOver();
    await api.signUp('bob@example.com');
    const { id } = await api.database.user.findUniqueOrThrow({ where: { email: 'bob@example.com' } });
    const change = setUserEmail(api.database, commandScope(api.clock.now), { id, email: ada, isMailed: true });
    await expect(change).rejects.toThrow('taken');
  });

  it('is free if the account never proved it, so that nobody can reserve the address of another person', async () => {
    const api = await startApi();
    const stranger = await api.signUp(ada, 'BEARER');
    await changePassword(api, stranger, [password, fresh]);
    await changeEmail(api, stranger, thief, fresh);
    expect(await api.client().signUp(ada)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('is kept also if sign-up does not tell which addresses are taken', async () => {
    const { api, first } = await takeOver();
    api.config.isSignUpPrivate = true;
    await api.client().act('signUp', { email: ada, password: fresh }, refused);
    const token = tokenIn(await deliverMail(api), 'confirm-sign-up');
    const confirm = { token, password: fresh, transport: 'BEARER' };
    expect(await api.client().act('confirmSignUp', confirm, refused)).toMatchObject(invalid);
    expect(await undo(api, first)).toMatchObject({ email: ada });
  });

  it('is free for the same account', async () => {
    const api = await startApi();
    const owner = await signUpProved(api, ada);
    await changeEmail(api, owner, 'lovelace@example.com');
    await changeEmail(api, owner, ada);
    expect(await viewerOf(owner)).toEqual({ email: ada });
  });

  it('is refused if another account has it all the same, nothing is undone, and the link stays valid', async () => {
    const { api, robber, first } = await takeOver();
    const record = { email: 'Ada@example.com', role: 'user', name: null, hashedPassword: null, emailVerifiedAt: null };
    const imported = { ...record, suspendedAt: null, createdAt: api.clock.now };
    await importBatch(api.database, [{ line: 1, record: imported }], api.clock.now);
    expect(await undo(api, first)).toMatchObject({ __typename: 'EmailTakenError', code: 'EMAIL_TAKEN' });
    expect(await viewerOf(robber)).toEqual({ email: thief });
    expect(await loginOutcome(api, thief, `${stolen}!`)).toBe('SignInPayload');
    await api.database.user.delete({ where: { email: 'Ada@example.com' } });
    expect(await undo(api, first)).toMatchObject({ email: ada, hasPassword: true });
  });
});

describe('link to undo a change of an account that an operator has changed', () => {
  it('restores a suspended account, which stays suspended', async () => {
    const { api, first } = await takeOver();
    const user = await api.database.user.findUniqueOrThrow({ where: { email: thief } });
    await suspendUser(api.database, commandScope(api.clock.now), user.id, ['admin']);
    expect(await undo(api, first)).toMatchObject({ email: ada, hasPassword: true });
    expect(await loginOutcome(api, ada, password)).toBe('ACCOUNT_SUSPENDED');
    const mails = await deliverMail(api);
    expect(mails.find(({ name }) => name === 'change-undone')).toMatchObject({ to: ada, token: null });
  });

  it('is void once the account is deleted', async () => {
    const { api, robber, first } = await takeOver();
    expect(await robber.act('deleteAccount', { password: `${stolen}!` })).toMatchObject({
      __typename: 'DeleteUserPayload',
    });
    expect(await undo(api, first)).toEqual(invalid);
    expect(await api.database.accountChange.count()).toBe(0);
  });

  it('restores no password that an operator has removed', async () => {
    const { api, first } = await takeOver();
    const user = await api.database.user.findUniqueOrThrow({ where: { email: thief } });
    await removePassword(api.database, commandScope(api.clock.now), user.id);
    expect(await undo(api, first)).toMatchObject({ email: ada, hasPassword: false });
  });

  it('is mailed to the old address for a change by an operator, and works', async () => {
    const api = await startApi();
    await signUpProved(api, ada);
    const user = await api.database.user.findUniqueOrThrow({ where: { email: ada } });
    const change = { id: user.id, email: thief, isMailed: true };
    await setUserEmail(api.database, commandScope(api.clock.now), change);
    const [mail] = await deliverMail(api);
    expect(mail).toMatchObject({ name: 'email-changed', to: ada });
    expect(await undo(api, mail ?? expect.fail())).toMatchObject({ email: ada, hasPassword: true });
  });

  it('works also after the reader of the address that an operator has set has claimed the account', async () => {
    const api = await startApi();
    await signUpProved(api, ada);
    const { id } = await api.database.user.findUniqueOrThrow({ where: { email: ada } });
    await setUserEmail(api.database, commandScope(api.clock.now), { id, email: thief, isMailed: true });
    const [mail] = await deliverMail(api);
    await api.client().act('requestPasswordReset', { email: thief });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const reset = await api.client().act('resetPassword', { token, newPassword: stolen });
    expect(reset).toMatchObject({ __typename: 'SignInPayload' });
    expect(await undo(api, mail ?? expect.fail())).toMatchObject({ email: ada, hasPassword: true });
    expect(await loginOutcome(api, thief, stolen)).toBe('INVALID_CREDENTIALS');
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
  });

  it('is void once an operator has given the account an address without a mail to the old one', async () => {
    const { api, first, second, third } = await takeOver();
    const user = await api.database.user.findUniqueOrThrow({ where: { email: thief } });
    const change = { id: user.id, email: ada, isMailed: false };
    await setUserEmail(api.database, commandScope(api.clock.now), change);
    for (const link of [first, second, third]) expect(await undo(api, link)).toEqual(invalid);
    expect(await api.database.user.findMany()).toMatchObject([{ email: ada }]);
  });
});

describe('undo of a change by an administrator', () => {
  it('restores no password, which a thief could use against other users', async () => {
    const { api, first } = await takeOver();
    await api.database.user.update({ where: { email: thief }, data: { role: 'admin' } });
    expect(await undo(api, first)).toMatchObject({ email: ada, hasPassword: false });
    expect(await loginOutcome(api, ada, password)).toBe('INVALID_CREDENTIALS');
  });
});

describe('changes that can be undone', () => {
  it('are deleted after 72 hours', async () => {
    const { api } = await takeOver();
    await pruneExpired(api.database, new Date(api.clock.now.getTime() + 72 * hour - 1));
    expect(await api.database.accountChange.count()).toBe(3);
    await pruneExpired(api.database, new Date(api.clock.now.getTime() + 72 * hour));
    expect(await api.database.accountChange.count()).toBe(0);
    expect(await api.database.userToken.count({ where: { purpose: 'UNDO_CHANGE' } })).toBe(0);
  });
});
