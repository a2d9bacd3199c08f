import { describe, expect, it } from 'vitest';
import { normalizeEmail } from '../../src/users/email.ts';

describe('email address', () => {
  it.each([
    [' Ada@Example.COM\n', 'ada@example.com'],
    ["o'brien+tag@mail.example.co.uk", "o'brien+tag@mail.example.co.uk"],
    ['a@b.cd', 'a@b.cd'],
    [`${'l'.repeat(64)}@example.com`, `${'l'.repeat(64)}@example.com`],
    ['x@xn--bcher-kva.example', 'x@xn--bcher-kva.example'],
  ])('%j is stored as %j', (input, stored) => {
    expect(normalizeEmail(input)).toBe(stored);
  });

  it.each([
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@example',
    'ada@@example.com',
    'ada@example..com',
    '.ada@example.com',
    'ada.@example.com',
    'a..b@example.com',
    'a b@example.com',
    'ada@-example.com',
    'ada@example.com,bob@example.com',
    'ada@example.com;bob@example.com',
    'Ada <ada@example.com>',
    '"ada"@example.com',
    'ada@[127.0.0.1]',
    '\u212ada@example.com',
    'ada\u0000@example.com',
    'ada@example.com\r\nBcc: bob@example.com',
    'ad\ud800a@example.com',
    'bücher@example.com',
    '=?utf-8?q?foo=40attacker.com=3e=00?=@example.com',
    `${'l'.repeat(65)}@example.com`,
    `a@${'b.'.repeat(130)}com`,
    `a@${'b'.repeat(64)}.com`,
  ])('%j is not valid', (input) => {
    expect(normalizeEmail(input)).toBeNull();
  });

  it('is validated in linear time: work over all pairs of characters of these would take days', () => {
    expect(normalizeEmail(`${'a.'.repeat(5_000_000)}@${'a-'.repeat(5_000_000)}`)).toBeNull();
    expect(normalizeEmail(`${'a'.repeat(60)}@${'a-'.repeat(95)}!`)).toBeNull();
  });
});
