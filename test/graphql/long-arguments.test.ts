/** @module-tag repeated */
import type { GraphQLArgument } from 'graphql';
import { beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { schema } from '../../src/graphql/schema.ts';
import { runInWorker } from '../../src/passwords/hashing-pool.ts';
import { guessableProblem } from '../../src/passwords/strength.ts';
import { handleOf, hashToken } from '../../src/tokens/token.ts';
import { parseUserRecord } from '../../src/transfer/user-record.ts';
import { password, startApi } from '../support/api.ts';
import { byEmail } from '../support/email-sign-in.ts';
import { watchLongStrings } from '../support/long-strings.ts';
import { type TextField, textFields } from '../support/operations.ts';

vi.mock('../../src/passwords/strength.ts', { spy: true });
vi.mock('../../src/passwords/hashing-pool.ts', { spy: true });
beforeEach(() => void vi.clearAllMocks());

/** Just below the limit for the body of a request, in bytes of JSON. */
const size = 60_000;

function filling(unit: string): string {
  return unit.repeat(Math.floor(size / (Buffer.byteLength(JSON.stringify(unit)) - 2)));
}

/** Texts that make naive code slow: each is as long as a request may be. */
const texts = {
  'an a': filling('a'),
  // Normalising makes it eighteen times longer.
  'U+FDFA': filling('\ufdfa'),
  'U+FDFA and spaces': filling('\ufdfa '),
  spaces: filling(' '),
  'no-break spaces': filling('\u00a0'),
  at: filling('@'),
  dots: filling('a.'),
  'at and dots': filling('a@a.'),
  digits: filling('9'),
  base64: Buffer.from(`User:${filling('7')}`)
    .toString('base64')
    .slice(0, size),
  'base64 of a JSON cursor': Buffer.from(`GPC:J:${filling('[')}`)
    .toString('base64')
    .slice(0, size),
  'no base64': filling('=\u00e9$'),
  'lone surrogates': filling('\ud800'),
  'combining marks': filling('a\u0301\u0323'),
  wildcards: filling('%a_'),
  NUL: filling('\u0000'),
  dollars: filling('$a'),
};

const kinds = Object.entries(texts).filter((_, index) => !inject('isShort') || index % 6 === 0);

/** Regular expressions whose work is linear, or bounded, for a text of any length. */
const linear = new Set([
  // The codes of apps, and recovery codes: look at each character once.
  String.raw`/\s/g`,
  String.raw`/^\d{6}$/`,
  String.raw`/[\s-]/g`,
  '/[IL]/g',
  // The token of a link: begins at the start, and everything in it is counted.
  String.raw`/^(?:gq[sk]_)?([0-9a-f]{32})\.[A-Za-z0-9_-]{43}$/`,
  // The handle of a session and the name of a service client: begin at the start, and everything in them is counted.
  '/^[a-zA-Z0-9_.:-]{1,50}$/',
  String.raw`/^[\x21-\x7e]{1,200}$/`,
  // A time, of graphql-scalars: begins at the start, with one way to take every character.
  String.raw`/^(\d{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60))(\.\d{1,})?(([Z])|([+|-]([01][0-9]|2[0-3]):[0-5][0-9]))$/`,
  // Pothos' cursors, in base64 and as they are: begin at the start, with one way to take every character.
  String.raw`/^(?:[\d+/A-Za-z]{4})*(?:[\d+/A-Za-z]{2}==|[\d+/A-Za-z]{3}=)?$/`,
  String.raw`/^([A-Z]):([\s\S]*)$/`,
  // The times of graphql-scalars: begins at the start, and one part repeats, that of the digits of a second.
  String.raw`/^(\d{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60))(\.\d{1,})?(([Z])|([+|-]([01][0-9]|2[0-3]):[0-5][0-9]))$/`,
]);

/** Returns the value of an ordinary client for such an argument, by its name and its type; for new ones too. */
function ordinary({ name, type }: GraphQLArgument, id: string): string {
  if (/email/i.test(name)) return 'new@example.com';
  if (/password/i.test(name)) return password;
  if (/\bID\b/.test(String(type))) return id;
  return name === 'name' ? 'Ada' : 'user';
}

function fieldOf(field: string, textOf: (argument: GraphQLArgument) => string | null): TextField {
  const found = [...textFields(schema, { textOf })].find(({ name }) => name === field);
  if (!found) throw new Error(`There is no ${field}.`);
  return found;
}

const names = [...textFields(schema, { textOf: () => '' })].map(({ name }) => name);

describe('argument of the maximum length', () => {
  it('covers every field that takes text, by the schema itself', () => {
    expect(names.length).toBeGreaterThan(25);
    for (const known of ['Query.users', 'Mutation.login', 'Mutation.setPublicData', 'User.auditEvents']) {
      expect(names).toContain(known);
    }
  });

  it.each(names)('of %s causes only linear work, and no failure of the server', async (field) => {
    const serviceKey = 'the key of a service';
    const attempts = { perAccount: 50, perAddress: 1_000, signUpsPerAddress: 1_000 };
    const api = await startApi({ ...byEmail, hashedServiceKeys: [hashToken(serviceKey)], attempts });
    const root = await api.signUpAdmin('root@example.com');
    const { id } = await api.database.user.findFirstOrThrow();
    const { token } = root;
    // The long arguments: each by itself, and all at once.
    const { texts: textArguments } = fieldOf(field, () => '');
    const ones = textArguments.map(({ name }) => new Set([name]));
    const all = new Set(textArguments.map(({ name }) => name));
    const choices = ones.length > 1 ? [...ones, all] : ones;
    const watched = watchLongStrings();
    for (const [kind, text] of kinds) {
      for (const long of choices) {
        const given = (length: number) => (argument: GraphQLArgument) => {
          if (long.has(argument.name)) return text.slice(0, length);
          // Optional arguments are left out, because they can exclude the tested one: `after` excludes `before`.
          return String(argument.type).endsWith('!') ? ordinary(argument, toNodeId('User', id)) : null;
        };
        const one = fieldOf(field, given(text.length));
        const bytes = Buffer.byteLength(JSON.stringify(one.variables));
        const { variables } = fieldOf(field, given(Math.floor((text.length * size) / Math.max(bytes, size))));
        await api.database.rateLimit.deleteMany();
        api.statements.length = 0;
        vi.mocked(runInWorker).mockClear();
        vi.mocked(guessableProblem).mockClear();
        watched.uses.clear();
        const what = `${field}, ${[...long]}: ${kind}`;
        const client = Object.assign(api.client(), { token });
        const { status, errors } = await client.send(one.query, variables, { 'x-service-key': serviceKey });
        expect(status, `${what}: ${JSON.stringify(errors)}`).toBe(200);
        for (const error of errors ?? []) {
          expect(error.extensions.code, what).toMatch(/^(?:BAD_USER_INPUT|UNAUTHENTICATED|RATE_LIMITED)$/);
        }
        expect(api.reported, what).toEqual([]);
        expect(
          [...watched.uses].filter((use) => !linear.has(use)),
          what,
        ).toEqual([]);
        for (const [judged, known] of vi.mocked(guessableProblem).mock.calls) {
          for (const part of [judged, ...known]) expect(part.length, what).toBeLessThanOrEqual(1_024);
        }
        // One hash, of the checked or the new password, for every argument.
        expect(vi.mocked(runInWorker).mock.calls.length, what).toBeLessThanOrEqual(1);
        expect(api.statements.length, what).toBeLessThanOrEqual(30);
        // The session may have ended by it, such as by a login.
        await api.database.session.updateMany({
          where: { handle: handleOf(token ?? '') ?? '' },
          data: {
            hashedSessionToken: hashToken(token ?? ''),
            expiresAt: new Date(api.clock.now.getTime() + 3_600_000),
          },
        });
      }
    }
  });
});

describe('field of an imported record of the maximum length', () => {
  const valid = { email: 'ada@example.com' };
  const fields = ['email', 'name', 'role', 'hashedPassword', 'emailVerifiedAt', 'suspendedAt', 'createdAt', 'unknown'];

  it.each(Object.entries(texts))('causes only linear work: %s', (_kind, text) => {
    const { uses } = watchLongStrings();
    for (const field of fields) {
      const line = JSON.stringify({ ...valid, [field]: text });
      const isBlankName = field === 'name' && text.trim() === '';
      if (isBlankName) expect(parseUserRecord(line)).toEqual({ ...valid, name: null });
      else expect(() => parseUserRecord(line), field).toThrow(/./);
      expect([...uses], field).toEqual([]);
    }
  });
});
