import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { inspectSettings } from '../../src/config/inspect/settings.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';

const level2 = { ASSURANCE: '2', ENCRYPTION_KEYS: createEncryptionKey() };
const hourMs = 3_600_000;

describe('ASSURANCE=2', () => {
  it('has the defaults of AAL2', () => {
    const config = readConfig(level2);
    expect(config.secondFactor).toEqual({ requiredRoles: 'all', allowsTrustedDevices: false });
    expect(config.sessions).toMatchObject({
      lifetimeMs: 24 * hourMs,
      idleTimeoutMs: hourMs,
      unrememberedLifetimeMs: 12 * hourMs,
    });
    expect(config.newDeviceMail).toBe(true);
    expect(config.passwords.minLength).toBe(15);
    expect(config.reauthenticateAfterMs).toBe(readConfig({}).reauthenticateAfterMs);
  });

  it('leaves all other settings alone, and is not the default', () => {
    const {
      assurance,
      secondFactor: _factor,
      sessions: _sessions,
      encryptionKeys: _keys,
      ...rest
    } = readConfig(level2);
    expect(assurance).toBe(2);
    const defaults = readConfig({});
    expect(defaults).toMatchObject({ ...rest, assurance: 1 });
    expect(defaults.secondFactor).toEqual({ requiredRoles: new Set(), allowsTrustedDevices: true });
    expect(readConfig({ ASSURANCE: '1' })).toEqual(defaults);
  });

  it.each([
    ['SESSION_LIFETIME', '8h', 8],
    ['SESSION_LIFETIME', '24h', 24],
  ])('gives way to %s=%s, which is not weaker', (name, value, hours) => {
    expect(readConfig({ ...level2, [name]: value }).sessions.lifetimeMs).toBe(hours * hourMs);
  });

  it.each([
    ['REQUIRE_SECOND_FACTOR', 'admin', 'must be *', '2.2.1'],
    ['SESSION_LIFETIME', '25h', 'must be at most 24h', '2.2.3'],
    ['SESSION_IDLE_TIMEOUT', '61m', 'must be at most 1h', '2.2.3'],
    ['EMAIL_SIGN_IN', 'true', 'must be false', '3.1.3.1'],
  ])('refuses %s=%s, which is weaker, and names both settings', (name, value, rule, section) => {
    const because = `because ASSURANCE is 2 (NIST SP 800-63B-4 section ${section})`;
    const refused = `${name} is "${value}", but it ${rule} ${because}.`;
    expect(() => readConfig({ ...level2, [name]: value })).toThrow(refused);
    expect(readConfig({ ...level2, ASSURANCE: '1', [name]: value }).assurance).toBe(1);
    expect(inspectSettings({ ...level2, [name]: value }, new Set(), [readConfig]).problems).toEqual([refused]);
  });

  it.each([
    ['NEW_DEVICE_MAIL', 'false'],
    ['UNREMEMBERED_SESSION_LIFETIME', '7d'],
    ['PASSWORD_MIN_LENGTH', '8'],
    ['REAUTHENTICATE_AFTER', '1h'],
  ])('allows %s=%s, which the standard leaves open', (name, value) => {
    expect(readConfig({ ...level2, [name]: value }).assurance).toBe(2);
  });

  it('needs keys that encrypt the secrets of authenticator apps', () => {
    expect(() => readConfig({ ASSURANCE: '2' })).toThrow(/^ASSURANCE is 2, but ENCRYPTION_KEYS is not set/);
    const { problems } = inspectSettings({ ASSURANCE: '2', ENCRYPTION_KEYS: 'x' }, new Set(), [readConfig]);
    expect(problems).toEqual([expect.stringMatching(/^Entry 1 of ENCRYPTION_KEYS/)]);
  });

  it('is 1 or 2', () => {
    expect(() => readConfig({ ASSURANCE: '3' })).toThrow('ASSURANCE is "3", but it must be one of 1, 2.');
  });

  it('is named as the source of the defaults that it chose', () => {
    const given = { ...level2, SESSION_LIFETIME: '8h' };
    const { settings, problems } = inspectSettings(given, new Set(), [readConfig]);
    expect(problems).toEqual([]);
    const sources = settings.map(({ name, value, source }) => [name, value, source]);
    expect(sources.filter(([, , source]) => source === 'ASSURANCE')).toEqual([
      ['EMAIL_SIGN_IN', false, 'ASSURANCE'],
      ['NEW_DEVICE_MAIL', true, 'ASSURANCE'],
      ['REQUIRE_SECOND_FACTOR', ['*'], 'ASSURANCE'],
      ['SESSION_IDLE_TIMEOUT', '1h', 'ASSURANCE'],
      ['UNREMEMBERED_SESSION_LIFETIME', '12h', 'ASSURANCE'],
    ]);
    expect(sources).toContainEqual(['SESSION_LIFETIME', '8h', 'environment']);
    expect(sources).toContainEqual(['PASSWORD_MIN_LENGTH', 15, 'default']);
  });
});
