/** The setting that chooses the defaults of an assurance level (NIST SP 800-63B-4 section 2). */
import { SettingError } from '../../errors.ts';
import type { Config } from '../config.ts';
import { choice, type Environment, invalid, read, recordingOf, text } from '../variables.ts';

/** The level that the defaults reach. */
export type Assurance = 1 | 2;

type AssuredSetting = {
  name: string;
  /** The default at level 2. */
  value: string;
  /** The limit at level 2, with its source. Null if every valid value keeps the level. */
  limit: { rule: string; section: string; isKept(config: Config): boolean } | null;
};

const hourMs = 3_600_000;

/** The settings with other defaults at level 2. All others keep theirs. */
const level2: readonly AssuredSetting[] = [
  {
    name: 'REQUIRE_SECOND_FACTOR',
    value: '*',
    limit: { rule: 'must be *', section: '2.2.1', isKept: ({ secondFactor }) => secondFactor.requiredRoles === 'all' },
  },
  {
    name: 'SESSION_LIFETIME',
    value: '24h',
    limit: {
      rule: 'must be at most 24h',
      section: '2.2.3',
      isKept: ({ sessions }) => sessions.lifetimeMs <= 24 * hourMs,
    },
  },
  {
    name: 'SESSION_IDLE_TIMEOUT',
    value: '1h',
    limit: { rule: 'must be at most 1h', section: '2.2.3', isKept: ({ sessions }) => sessions.idleTimeoutMs <= hourMs },
  },
  {
    name: 'EMAIL_SIGN_IN',
    value: 'false',
    limit: { rule: 'must be false', section: '3.1.3.1', isKept: ({ emailSignIn }) => emailSignIn === null },
  },
  // It only counts if it is shorter than SESSION_LIFETIME.
  { name: 'UNREMEMBERED_SESSION_LIFETIME', value: '12h', limit: null },
  // The standard asks for mails about factors and recovery, which cannot be turned off, and for no others.
  { name: 'NEW_DEVICE_MAIL', value: 'true', limit: null },
];

/**
 * Reads the level, and returns the environment with its defaults in place of settings that are not set.
 *
 * @throws SettingError
 */
export function withAssurance(environment: Environment): { assurance: Assurance; environment: Environment } {
  if (choice(environment, 'ASSURANCE', ['1', '2']) === '1') return { assurance: 1, environment };
  const unset = level2.filter(({ name }) => read(environment, name) === undefined);
  for (const { name } of unset) recordingOf(environment)?.noteAssured(name);
  const defaults = Object.fromEntries(unset.map(({ name, value }) => [name, value]));
  return { assurance: 2, environment: { ...environment, ...defaults } };
}

/**
 * Requires that no setting is weaker than the level, and that users can get a second factor.
 *
 * @throws SettingError that names the setting and `ASSURANCE`: an operator who sets both has to choose one.
 */
export function requireAssurance(config: Config, environment: Environment): void {
  if (config.assurance === 1) return;
  if (config.encryptionKeys === null) {
    throw new SettingError(
      'ASSURANCE',
      'ASSURANCE is 2, but ENCRYPTION_KEYS is not set: the secrets of authenticator apps are stored encrypted. ' +
        '`create-encryption-key` makes one.',
      'ENCRYPTION_KEYS',
    );
  }
  for (const { name, limit } of level2) {
    if (limit === null || limit.isKept(config)) continue;
    const rule = `${limit.rule} because ASSURANCE is 2 (NIST SP 800-63B-4 section ${limit.section})`;
    throw invalid(name, text(environment, name, ''), rule, 'ASSURANCE');
  }
}
