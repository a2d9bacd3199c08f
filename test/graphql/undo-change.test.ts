/** @module-tag slow/takeover */
import { describe, expect, it } from 'vitest';
import { changeEmail, changePassword, loginOutcome, takeOver, undo, viewerOf } from '../support/account-changes.ts';
import { password } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const ada = 'ada@example.com';
const thief = 'thief@example.net';
const stolen = 'password of the thief';
const fresh = 'another battery staple';
const refused = '... on UserError { code message }';
const invalid = { __typename: 'TokenInvalidError', code: 'TOKEN_INVALID' };
const history = '{ viewer { auditEvents(first: 100) { nodes { type isOwn detail sessionHandle } } } }';

describe('undoChange after a takeover', () => {
  it('restores the state from before the first change, ends all sessions, and leaves no later link', async () => {
    const { api, robber, first, second, third } = await takeOver();
    expect([first, second, third].map(({ to }) => to)).toEqual([ada, ada, thief]);
    await robber.act('requestEmailChange', { newEmail: 'other@example.net', password: `${stolen}!` });
    const confirmation = tokenIn(await deliverMail(api), 'confirm-email-change');
    await api.client().act('requestPasswordReset', { email: thief });
    const reset = tokenIn(await deliverMail(api), 'reset-password');
    expect(await undo(api, first)).toEqual({ __typename: 'UndoChangePayload', email: ada, hasPassword: true });
    expect(await viewerOf(robber)).toBeNull();
    for (const link of [first, second, third]) expect(await undo(api, link)).toEqual(invalid);
    expect(await robber.act('resetPassword', { token: reset, newPassword: fresh }, refused)).toMatchObject(invalid);
    const confirm = { token: confirmation, password };
    expect(await api.client().act('confirmEmailChange', confirm, refused)).toMatchObject(invalid);
    for (const secret of [stolen, `${stolen}!`]) {
      expect(await loginOutcome(api, ada, secret)).toBe('INVALID_CREDENTIALS');
      expect(await loginOutcome(api, thief, secret)).toBe('INVALID_CREDENTIALS');
    }
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
    const user = await api.database.user.findUniqueOrThrow({ where: { email: ada } });
    expect(user.emailVerifiedAt).not.toBeNull();
    expect(api.reported).toEqual([]);
  });

  it('gives no password back by the link of a later change, and that of the first stays valid', async () => {
    const { api, first, second, third } = await takeOver();
    expect(await undo(api, second)).toEqual({ __typename: 'UndoChangePayload', email: ada, hasPassword: false });
    for (const secret of [password, stolen, `${stolen}!`]) {
      expect(await loginOutcome(api, ada, secret)).toBe('INVALID_CREDENTIALS');
    }
    expect(await undo(api, third)).toEqual(invalid);
    expect(await undo(api, first)).toMatchObject({ email: ada, hasPassword: true });
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
  });

  it('cannot be prevented by the thief, who has links of their own', async () => {
    const { api, robber, first, second, third } = await takeOver();
    const fourth = await changeEmail(api, robber, 'thief2@example.net', `${stolen}!`);
    expect(await undo(api, fourth)).toMatchObject({ email: thief, hasPassword: false });
    expect(await undo(api, third)).toMatchObject({ email: thief, hasPassword: false });
    expect(await undo(api, second)).toMatchObject({ email: ada });
    expect(await undo(api, first)).toMatchObject({ email: ada, hasPassword: true });
    for (const link of [third, fourth]) expect(await undo(api, link)).toEqual(invalid);
  });

  it('informs both sides, and the mail to the owner has a link to a new password', async () => {
    const { api, first } = await takeOver();
    await undo(api, first);
    const mails = await deliverMail(api);
    const sent = mails.map(({ name, to }) => ({ name, to }));
    expect(sent).toHaveLength(2);
    expect(sent).toContainEqual({ name: 'change-undone', to: ada });
    expect(sent).toContainEqual({ name: 'address-taken-back', to: thief });
    for (const { to, text, html } of mails) expect(`${text} ${html}`).not.toContain(to === ada ? thief : ada);
    const input = { token: tokenIn(mails, 'change-undone'), newPassword: fresh, transport: 'BEARER' };
    expect(await api.client().act('resetPassword', input)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await loginOutcome(api, ada, fresh)).toBe('SignInPayload');
  });

  it('lets the restored password sign in, and change nothing until the user has chosen a new one by mail', async () => {
    const { api, first } = await takeOver();
    await undo(api, first);
    const fast = api.client();
    await fast.login(ada, 'BEARER');
    for (const [field, input] of [
      ['changePassword', { currentPassword: password, newPassword: stolen }],
      ['requestEmailChange', { newEmail: thief, password }],
      ['deleteAccount', { password }],
    ] as const) {
      const { code, message } = await fast.act(field, input, refused);
      expect({ code, message }, field).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      expect(message).toContain('requestPasswordReset');
    }
    const token = tokenIn(await deliverMail(api), 'change-undone');
    await api.client().act('resetPassword', { token, newPassword: fresh, transport: 'BEARER' });
    expect(await viewerOf(fast)).toBeNull();
    const owner = api.client();
    await owner.login(ada, 'BEARER', fresh);
    await deliverMail(api);
    expect((await changePassword(api, owner, [fresh, `${fresh}!`])).to).toBe(ada);
  });

  it('is in the history with the changes', async () => {
    const { api, owner, first } = await takeOver();
    const { data } = await owner.send('{ currentSession { handle } }');
    expect(data.currentSession).toBeNull();
    await undo(api, first);
    await owner.login(ada, 'BEARER');
    const { nodes } = (await owner.ask(history)).viewer.auditEvents;
    const types = nodes.map(({ type }: { type: string }) => type);
    expect(types.filter((type: string) => /CHANGED$|UNDONE$/.test(type))).toEqual([
      'CHANGE_UNDONE',
      'PASSWORD_CHANGED',
      'EMAIL_CHANGED',
      'PASSWORD_CHANGED',
    ]);
    expect(nodes).toContainEqual(
      expect.objectContaining({ type: 'CHANGE_UNDONE', isOwn: true, detail: 'EMAIL_CHANGED PASSWORD_CHANGED' }),
    );
    expect(nodes).toContainEqual(expect.objectContaining({ type: 'SESSION_REVOKED', detail: 'CHANGE_UNDONE' }));
  });

  it('has one winner of many concurrent uses of several links', async () => {
    const { api, first, second } = await takeOver();
    const once = await Promise.all(Array.from({ length: 20 }, () => undo(api, second)));
    expect(once.filter(({ email }) => email === ada)).toHaveLength(1);
    const links = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? first : second));
    const results = await Promise.all(links.map((link) => undo(api, link)));
    expect(results.filter(({ email }) => email === ada)).toHaveLength(1);
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
    expect(api.reported).toEqual([]);
  });

  it('wins against a change by the thief at the same time, or comes before it', async () => {
    const { api, robber, first } = await takeOver();
    const change = { currentPassword: `${stolen}!`, newPassword: `${stolen}!!` };
    const [undone] = await Promise.all([
      undo(api, first),
      robber.send(
        'mutation ($currentPassword: String!, $newPassword: String!) { changePassword(currentPassword: $currentPassword, newPassword: $newPassword) { __typename } }',
        change,
      ),
    ]);
    expect(undone).toMatchObject({ email: ada });
    expect(await viewerOf(robber)).toBeNull();
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
    expect(await loginOutcome(api, ada, `${stolen}!!`)).toBe('INVALID_CREDENTIALS');
  });
});
