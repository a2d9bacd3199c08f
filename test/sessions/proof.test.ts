import { describe, expect, it } from 'vitest';
import { commandScope } from '../../src/scope.ts';
import { levelOf, reachedSince } from '../../src/sessions/assurance/level.ts';
import { requireRecentProof } from '../../src/sessions/assurance/second-factor.ts';
import {
  type AuthenticationMethod,
  proofsOf,
  requireProof,
  type StoredProofs,
  storedProofs,
} from '../../src/sessions/proof.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

describe('stored proofs', () => {
  it('keep the last proof by each method, with its time', () => {
    const first = storedProofs({ methods: ['password', 'totp'], at: at(0) });
    expect(storedProofs({ methods: ['password'], at: at(5) }, proofsOf(first))).toEqual({
      authenticatedAt: at(5),
      authenticationMethods: 'password totp',
      proofs: `password@${at(5).getTime()} totp@${at(0).getTime()}`,
    });
  });

  it('of an earlier version have one time for all methods', () => {
    const stored: StoredProofs = { authenticatedAt: at(0), authenticationMethods: 'password email', proofs: null };
    expect(proofsOf(stored)).toEqual([
      { method: 'password', at: at(0) },
      { method: 'email', at: at(0) },
    ]);
  });

  it('count a later verification of the password by a server of an earlier version', () => {
    const stored = storedProofs({ methods: ['password', 'totp'], at: at(0) });
    expect(proofsOf({ ...stored, authenticatedAt: at(9) })).toEqual([
      { method: 'password', at: at(9) },
      { method: 'totp', at: at(0) },
    ]);
  });

  it('ignore methods of a later version', () => {
    const stored = { authenticatedAt: at(1), authenticationMethods: 'password', proofs: `palm@1 password@${+at(1)}` };
    expect(proofsOf(stored)).toEqual([{ method: 'password', at: at(1) }]);
  });

  it('are none for an anonymous session', () => {
    expect(proofsOf({ authenticatedAt: null, authenticationMethods: null, proofs: null })).toEqual([]);
  });
});

describe('the assurance level', () => {
  it.each([
    [['password'], 1],
    [['email'], 1],
    [['totp'], 1],
    [['password', 'email'], 1],
    [['email', 'totp'], 1],
    [['password', 'trusted_device'], 1],
    [['trusted_device'], null],
    [[], null],
    [['password', 'totp'], 2],
    [['password', 'recovery_code'], 2],
    [['password', 'security_key'], 2],
    [['security_key'], 1],
    [['passkey'], 2],
  ] as const)('of %j is %j', (methods, level) => {
    expect(levelOf(methods)).toBe(level);
  });
});

describe('the time since which a level is reached', () => {
  const since = (proofs: [AuthenticationMethod, number][], level: 1 | 2) => {
    const stored = proofs.map(([method, minute]) => ({ method, at: at(minute) }));
    return reachedSince(stored, level)?.getUTCMinutes() ?? null;
  };

  it.each([
    [[['password', 3]], 1, 3],
    [[['password', 3]], 2, null],
    [
      [
        ['password', 3],
        ['totp', 5],
      ],
      1,
      5,
    ],
    [
      [
        ['password', 3],
        ['totp', 5],
      ],
      2,
      3,
    ],
    [
      [
        ['password', 7],
        ['totp', 5],
      ],
      2,
      5,
    ],
    [
      [
        ['password', 7],
        ['totp', 2],
        ['recovery_code', 5],
      ],
      2,
      5,
    ],
    [
      [
        ['password', 7],
        ['totp', 5],
        ['passkey', 6],
      ],
      2,
      6,
    ],
    [
      [
        ['password', 7],
        ['email', 9],
        ['trusted_device', 9],
      ],
      2,
      null,
    ],
    [
      [
        ['password', 7],
        ['trusted_device', 9],
      ],
      1,
      7,
    ],
    [[], 1, null],
  ] as [[AuthenticationMethod, number][], 1 | 2, number | null][])(
    'of %j and level %j is %j',
    (proofs, level, minute) => {
      expect(since(proofs, level)).toBe(minute);
    },
  );
});

describe('a required proof', () => {
  const session = storedProofs(
    { methods: ['password'], at: at(10) },
    proofsOf(storedProofs({ methods: ['totp'], at: at(0) })),
  );
  const requireAt = (minute: number, level: 1 | 2) =>
    requireProof({ ...commandScope(at(minute)), session: session as never }, { withinMs: 15 * 60_000, level });

  it('counts the proofs of the last minutes only, together', () => {
    expect(() => requireAt(15, 2)).not.toThrow();
    expect(() => requireAt(16, 2)).toThrow('Prove');
    expect(() => requireAt(25, 1)).not.toThrow();
    expect(() => requireAt(26, 1)).toThrow('Prove');
  });

  it('has the level of the operation, for accounts without a second factor too', () => {
    const secondFactor = { requiredRoles: new Set<string>(), allowsTrustedDevices: true };
    const policies = { secondFactor, reauthenticateAfterMs: 15 * 60_000 };
    const own = {
      ...storedProofs({ methods: ['password'], at: at(0) }),
      user: { secondFactorSince: null, role: 'user' },
    };
    const scope = { ...commandScope(at(1)), session: own as never, presentedToken: {} as never };
    expect(() => requireRecentProof(scope, policies)).not.toThrow();
    expect(() => requireRecentProof(scope, policies, 2)).toThrow('Prove');
  });

  it('is never given without a session', () => {
    expect(() => requireProof(commandScope(at(0)), { withinMs: 1, level: 1 })).toThrow('Prove');
  });
});
