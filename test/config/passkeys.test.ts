import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';

const hosted = {
  PUBLIC_URL: 'https://accounts.example.com',
  APP_URL: 'https://app.example.com',
  ALLOWED_ORIGINS: 'https://admin.example.com,https://example.net,https://anexample.com',
};

const policyOf = (environment: Record<string, string>) => {
  const { rpId, origins, relatedOrigins } = readConfig(environment).passkeys;
  return { rpId, origins: [...origins], relatedOrigins };
};

describe('settings of passkeys', () => {
  it('belong to the host of the server by default', () => {
    expect(policyOf({})).toEqual({ rpId: 'localhost', origins: ['http://localhost:4000'], relatedOrigins: [] });
    const { rpId, origins } = policyOf(hosted);
    expect({ rpId, origins }).toEqual({ rpId: 'accounts.example.com', origins: ['https://accounts.example.com'] });
  });

  it('know the origins of other settings that are at or below the domain', () => {
    expect(policyOf({ ...hosted, PASSKEY_RP_ID: 'example.com' }).origins).toEqual([
      'https://accounts.example.com',
      'https://app.example.com',
      'https://admin.example.com',
    ]);
  });

  it('name origins, those of Android apps, and those of other domains', () => {
    const android = `android:apk-key-hash:${'A'.repeat(43)}`;
    const settings = {
      ...hosted,
      PASSKEY_RP_ID: 'example.com',
      PASSKEY_ORIGINS: `https://app.example.com/,${android}`,
      RELATED_ORIGINS: 'https://example.de',
    };
    expect(policyOf(settings)).toEqual({
      rpId: 'example.com',
      origins: ['https://app.example.com', android, 'https://example.de'],
      relatedOrigins: ['https://example.de'],
    });
  });

  it.each([
    [
      { PASSKEY_RP_ID: 'https://example.com' },
      /PASSKEY_RP_ID is "https:\/\/example.com", but it must be a domain name/,
    ],
    [{ PASSKEY_RP_ID: '127.0.0.1' }, /PASSKEY_RP_ID .* must be a domain name/],
    [{ PASSKEY_RP_ID: 'com' }, /PASSKEY_RP_ID is "com", but it must be the host of PUBLIC_URL/],
    [{ PASSKEY_RP_ID: 'xample.com' }, /PASSKEY_RP_ID is "xample.com"/],
    [
      { PASSKEY_ORIGINS: 'https://app.example.com' },
      /PASSKEY_ORIGINS .* at or below accounts.example.com.*RELATED_ORIGINS/,
    ],
    [{ PASSKEY_ORIGINS: 'android:apk-key-hash:short' }, /PASSKEY_ORIGINS .* scheme, host and port/],
    [{ RELATED_ORIGINS: 'example.de' }, /RELATED_ORIGINS .* scheme, host and port/],
  ])('refuse %o', (settings, message) => {
    expect(() => readConfig({ ...hosted, ...settings })).toThrow(message);
  });
});
