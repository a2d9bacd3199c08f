/** @module-tag repeated */
import { describe, expect, inject, it } from 'vitest';
import { undo } from '../support/account-changes.ts';
import { type Client, startApi, type TestApi } from '../support/api.ts';
import { type Delivered, deliverMail, tokenIn } from '../support/mail.ts';
import { type Random, randomFrom } from '../support/random.ts';

const hour = 3_600_000;
const window = 72 * hour;

type State = { email: string; hashedPassword: string | null };

/** A change that can be undone, as the test expects it. */
type Change = { before: State; at: number; isPassword: boolean; link: Delivered };

/**
 * An account on which an owner and thieves act in any order. They differ only in their mailboxes, so the model does not
 * tell them apart. It expects a stack: an undo takes back a change and all later ones, and no earlier one.
 */
class Account {
  readonly #api: TestApi;
  readonly #id: bigint;
  /** All links that were mailed, with the address. */
  readonly links: Delivered[] = [];
  readonly held = new Set<string>();
  /** The time at which each hash was stored. */
  readonly setAt = new Map<string | null, number>();
  stack: Change[] = [];
  #client: Client;
  #password: string;
  #count = 0;

  constructor(api: TestApi, { id, client, password }: { id: bigint; client: Client; password: string }) {
    this.#api = api;
    this.#id = id;
    this.#client = client;
    this.#password = password;
  }

  get now(): number {
    return this.#api.clock.now.getTime();
  }

  async state(): Promise<State> {
    const select = { email: true, hashedPassword: true };
    const state = await this.#api.database.user.findUniqueOrThrow({ where: { id: this.#id }, select });
    this.held.add(state.email);
    if (!this.setAt.has(state.hashedPassword)) this.setAt.set(state.hashedPassword, this.now);
    return state;
  }

  /** Sets a password by a mailed link, which also gives the client a session. */
  async reset(): Promise<void> {
    const before = await this.state();
    // The limit on mails to one mailbox is tested elsewhere.
    await this.#api.database.rateLimit.deleteMany();
    await this.#api.client().act('requestPasswordReset', { email: before.email });
    const token = tokenIn(await this.#deliver(), 'reset-password');
    this.#password = this.#fresh();
    const client = this.#api.client();
    const input = { token, newPassword: this.#password, transport: 'BEARER' };
    const result = await client.act('resetPassword', input, '... on SignInPayload { token }');
    this.#client = Object.assign(client, { token: result.token });
    await this.#changed(before, true);
  }

  async changePassword(): Promise<void> {
    const before = await this.state();
    const newPassword = this.#fresh();
    const input = { currentPassword: this.#password, newPassword };
    expect(await this.#client.act('changePassword', input)).toMatchObject({ __typename: 'ChangePasswordPayload' });
    this.#password = newPassword;
    await this.#changed(before, true);
  }

  async changeEmail(): Promise<void> {
    const before = await this.state();
    this.#count += 1;
    const newEmail = `${this.#id}.${this.#count}@example.com`;
    await this.#client.act('requestEmailChange', { newEmail, password: this.#password });
    const token = tokenIn(await this.#deliver(), 'confirm-email-change');
    expect(await this.#client.act('confirmEmailChange', { token })).toMatchObject({ __typename: 'ViewerPayload' });
    await this.#changed(before, false);
  }

  /** Undoes by any link of the past, and requires that it does exactly what the stack says. */
  async undo(link: Delivered): Promise<void> {
    const before = await this.state();
    const index = this.stack.findIndex((change) => change.link === link && change.at + window > this.now);
    const result = await undo(this.#api, link);
    const after = await this.state();
    const change = this.stack[index];
    if (!change) {
      expect(result.code).toBe('TOKEN_INVALID');
      expect(after).toEqual(before);
      return;
    }
    expect(result).toMatchObject({ email: link.to, hasPassword: after.hashedPassword !== null });
    this.#requireSafe(change, after);
    expect(await this.#api.database.session.count({ where: { userId: this.#id, endReason: null } })).toBe(0);
    const isRecent = this.stack.slice(0, index).some(({ isPassword, at }) => isPassword && at + window > change.at);
    expect(after).toEqual({ ...change.before, ...(isRecent && { hashedPassword: null }) });
    this.stack = this.stack.slice(0, index);
    await this.reset();
  }

  /** Requires, whatever the model says, an address of the account and no password of a thief. */
  #requireSafe({ at, link }: Change, { email, hashedPassword }: State): void {
    expect(email).toBe(link.to);
    expect(this.held).toContain(email);
    if (hashedPassword === null) return;
    const setAt = this.setAt.get(hashedPassword) ?? Number.NaN;
    expect(setAt === 0 || setAt <= at - window).toBe(true);
  }

  async #changed(before: State, isPassword: boolean): Promise<void> {
    await this.state();
    const [link] = (await this.#deliver()).filter(({ name }) => /^(email|password)-changed$/.test(name));
    if (!link) throw new Error('No mail has a link.');
    expect(link.to).toBe(before.email);
    this.links.push(link);
    this.stack.push({ before, at: this.now, isPassword, link });
  }

  async #deliver(): Promise<Delivered[]> {
    return deliverMail(this.#api);
  }

  #fresh(): string {
    this.#count += 1;
    return `correct horse battery ${this.#id} ${this.#count}`;
  }
}

async function act(api: TestApi, account: Account, random: Random): Promise<void> {
  const kind = random.below(8);
  if (kind < 2) await account.changePassword();
  else if (kind < 4) await account.changeEmail();
  else if (kind < 5) await account.reset();
  else if (kind < 7 && account.links.length > 0) await account.undo(random.pick(account.links));
  else api.clock.now = new Date(account.now + random.pick([1, 20, 71, 73]) * hour);
}

describe('links to undo changes, in any order', () => {
  const sequences = inject('isShort') ? 1 : 8;

  it('restore only addresses and passwords from before the change, and the oldest one always works', async () => {
    const api = await startApi({ sessions: { idleTimeoutMs: 10_000 * hour, lifetimeMs: 10_000 * hour } });
    for (let seed = 1; seed <= sequences; seed += 1) {
      const random = randomFrom(seed);
      const email = `user${seed}@example.com`;
      const client = await api.signUp(email, 'BEARER');
      await client.act('verifyEmail', { token: tokenIn(await deliverMail(api), 'verify-email') });
      const { id } = await api.database.user.findUniqueOrThrow({ where: { email } });
      const account = new Account(api, { id, client, password: 'correct horse battery staple' });
      const { hashedPassword } = await account.state();
      account.setAt.set(hashedPassword, 0);
      for (let step = 0; step < 14; step += 1) await act(api, account, random);
      const oldest = account.stack.find(({ at }) => at + window > account.now);
      if (oldest) await account.undo(oldest.link);
    }
    expect(api.reported).toEqual([]);
  });
});
