import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { kindOfStored } from '../../src/blitz/adopt/passwords.ts';

const vectors = JSON.parse(await readFile('test/fixtures/blitz/vectors.json', 'utf8')) as {
  passwords: { hashedPassword: string }[];
};

describe('stored passwords of Blitz.js', () => {
  it('are hashes if Blitz.js made them', () => {
    for (const { hashedPassword } of vectors.passwords) expect(kindOfStored(hashedPassword)).toBe('hash');
  });

  it.each([null, ''])('are absent for %j', (stored) => {
    expect(kindOfStored(stored)).toBe('none');
  });

  it.each([
    'hunter2hunter2',
    'correct horse battery staple',
    '$ecret',
    'p{a}ss',
    '平仮名',
    ' ',
    'pa$$word$1',
    '$money$bags',
    '{curly}',
    'abc:def',
  ])('are plain text for %j', (stored) => {
    expect(kindOfStored(stored)).toBe('plain');
  });

  // Hashing one of these like a password would let in everyone who has read it.
  it.each([
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8',
    '$argon2d$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo',
    '$argon2id$v=19$m=99999999,t=2,p=1$WkDhXLnL2DRvV/WxMN2lzg$yqQlaJYPs3oR+mqyC1XWuASsgQjV+gBadjzwVWw2jEI',
    '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
    '{SSHA}d0Q0626PSH9VUld7yWpR0k6BlpQmtczb',
    'sha1$salt$0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33',
    '5f4dcc3b5aa765d61d8327deb882cf99:73616c74',
    '0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a330beec7b5ea3f0fdbc95d0dd4.73616c74',
    'pbkdf2:sha256:600000$salt$0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33',
    '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    Buffer.from('$argon2d$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo').toString('base64'),
    'd9a1f2c3b4e5:0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33',
  ])('are hashes of another system for %j', (stored) => {
    expect(kindOfStored(stored)).toBe('unreadable');
  });
});
