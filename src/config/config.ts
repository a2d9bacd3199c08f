/** The only reader of the environment. `.env.example` lists every variable with its default and its unit. */

import type { EncryptionKeys } from '../encryption/keys.ts';
import { SettingError } from '../errors.ts';
import { type AccessTokenPolicy, readAccessTokenPolicy } from './access-tokens.ts';
import { type Assurance, requireAssurance, withAssurance } from './accounts/assurance.ts';
import { type AttemptPolicy, readAttemptPolicy } from './accounts/attempts.ts';
import { type CaptchaPolicy, readCaptchaPolicy } from './accounts/captcha.ts';
import { type EmailSignInPolicy, readEmailSignInPolicy } from './accounts/email-sign-in.ts';
import { type PasskeyPolicy, readPasskeyPolicy } from './accounts/passkeys.ts';
import { type PasswordPolicy, readPasswordPolicy } from './accounts/passwords.ts';
import { readFactorResetDelay, readSecondFactorPolicy, type SecondFactorPolicy } from './accounts/second-factor.ts';
import { readSessionPolicy, type SessionPolicy } from './accounts/sessions.ts';
import { readUsernamePolicy, type UsernamePolicy } from './accounts/usernames.ts';
import { readDatabaseUrl, readReplicaUrl } from './database.ts';
import { readEncryptionKeys } from './encryption.ts';
import { readTrustedDocumentsPolicy, type TrustedDocumentsPolicy } from './graphql/trusted-documents.ts';
import { readAllowedHeaders } from './http/allowed-headers.ts';
import { readCookieDomain } from './http/cookie-domain.ts';
import { readAllowedHosts } from './http/hosts.ts';
import { type LoginPage, readLoginPage } from './http/login-page.ts';
import { readTrustedProxies, type TrustedProxies } from './http/proxies.ts';
import { type MailPolicy, readMailPolicy } from './mail.ts';
import { type MetricsPolicy, readMetricsPolicy } from './monitoring/metrics.ts';
import { readTracesPolicy, type TracesPolicy } from './monitoring/traces.ts';
import { secretNames } from './names.ts';
import { withSecretFiles } from './secret-files.ts';
import {
  atLeastOne,
  duration,
  type Environment,
  flag,
  integer,
  invalid,
  list,
  origin,
  origins,
  text,
} from './variables.ts';
import { readWebhookPolicy, type WebhookPolicy } from './webhooks.ts';

export type {
  AccessTokenPolicy,
  AttemptPolicy,
  CaptchaPolicy,
  EmailSignInPolicy,
  LoginPage,
  MailPolicy,
  PasskeyPolicy,
  PasswordPolicy,
  SecondFactorPolicy,
  SessionPolicy,
  TrustedProxies,
  UsernamePolicy,
};

export type Config = {
  /** True if NODE_ENV is production. */
  isProduction: boolean;
  databaseUrl: string;
  /** The URL of a read replica of the database, for listings. Null if there is none. */
  databaseReplicaUrl: string | null;
  /** The maximum number of open connections to PostgreSQL. */
  databasePoolSize: number;
  host: string;
  /** 0 lets the system choose a free port. */
  port: number;
  /**
   * The public origin of this server: scheme, host and port. Over https, cookies are `Secure`, and their names begin
   * with `__Host-`, or with `__Secure-` if they have a domain.
   */
  publicUrl: URL;
  /** The domain of the session cookie: that of `publicUrl` or one above it. Null lets only this host receive it. */
  cookieDomain: string | null;
  /** Host names for which this server answers, beside that of `publicUrl`. */
  allowedHosts: ReadonlySet<string>;
  /** True if this server also answers for `localhost` and the other names of the loopback address. */
  allowsLoopbackHosts: boolean;
  /** Foreign web origins whose pages may call this server with the user's cookie. */
  allowedOrigins: ReadonlySet<string>;
  /** Request headers that these pages may send beside those of this server, in lower case. */
  allowedHeaders: readonly string[];
  /** The application's page for logging in. Null if there is none. */
  loginPage: LoginPage | null;
  /** True if the schema has the queries with which gateways join it with others (Apollo Federation 2). */
  federation: boolean;
  /** True if a browser that opens the GraphQL path gets GraphiQL. */
  graphiql: boolean;
  /** True if everybody may read the schema. If not, only administrators may, and errors suggest no names of it. */
  introspection: boolean;
  /** The documents that clients execute by id. Null if there are none. */
  trustedDocuments: TrustedDocumentsPolicy | null;
  sessions: SessionPolicy;
  /** The time from the end or expiry of a session until it is pruned. */
  sessionRetentionMs: number;
  /** The time from the end or expiry of a session until its address and user agent are deleted. */
  deviceRetentionMs: number;
  /** The time during which a proof of the password counts as recent. */
  reauthenticateAfterMs: number;
  /** The proxies that may report the client's address. */
  trustedProxies: TrustedProxies;
  /** The SHA-256 of each key of a trusted service, in lower-case hex. */
  hashedServiceKeys: readonly string[];
  /** The keys of secrets in the database: the first one encrypts, all decrypt. Null if there are none. */
  encryptionKeys: EncryptionKeys | null;
  accessTokens: AccessTokenPolicy;
  /** Roles of administrators, who may see and end everything. `create-admin` assigns the first one. */
  adminRoles: readonly [string, ...string[]];
  passwords: PasswordPolicy;
  attempts: AttemptPolicy;
  /** The assurance level of NIST SP 800-63B-4 that the settings keep: 1 or 2. */
  assurance: Assurance;
  captcha: CaptchaPolicy;
  usernames: UsernamePolicy;
  secondFactor: SecondFactorPolicy;
  passkeys: PasskeyPolicy;
  /** Sign-in by a mailed link or code. Null if it is off. */
  emailSignIn: EmailSignInPolicy | null;
  /** The time from the request of a reset of the factors of a user until it takes effect. */
  factorResetDelayMs: number;
  mail: MailPolicy;
  /** True if `signUp` hides that an address has an account, and continues by mail only. */
  isSignUpPrivate: boolean;
  /** True if users are mailed about a sign-in on a device that is not trusted. */
  newDeviceMail: boolean;
  /** The time for which audit events are kept. */
  auditRetentionMs: number;
  /**
   * The time during which the server still accepts requests after a stop signal, while it reports that it is not ready.
   */
  drainMs: number;
  /** The maximum number of open subscriptions at this server. 0 turns subscriptions off. */
  streamsPerNode: number;
  /** The address of the metrics. Null if they are off. */
  metrics: MetricsPolicy | null;
  /** The receiver of traces. Null if they are off. */
  traces: TracesPolicy | null;
  webhooks: WebhookPolicy;
  /** True if `npm start` or `npx` started the process. On a signal, npm ends its shell but not the process in it. */
  startedByNpm: boolean;
};

/**
 * Returns the configuration from the environment.
 *
 * @throws SettingError that names the variable, its value and the expected form.
 */
export function readConfig(given: Environment = process.env): Config {
  const { assurance, environment } = withAssurance(withSecretFiles(given, secretNames));
  const production = text(environment, 'NODE_ENV', '') === 'production';
  const port = integer(environment, 'PORT', 4000, { min: 0, max: 65_535 });
  const publicUrl = origin(environment, 'PUBLIC_URL', `http://localhost:${port}`);
  const encryptionKeys = readEncryptionKeys(environment);
  const allowedOrigins = new Set(origins(environment, 'ALLOWED_ORIGINS'));
  const mail = readMailPolicy(environment, publicUrl);
  const config: Config = {
    isProduction: production,
    databaseUrl: readDatabaseUrl(environment),
    databaseReplicaUrl: readReplicaUrl(environment),
    databasePoolSize: integer(environment, 'DATABASE_POOL_SIZE', 10, { min: 1, max: 1_000 }),
    host: text(environment, 'HOST', '127.0.0.1'),
    port,
    publicUrl,
    cookieDomain: readCookieDomain(environment, publicUrl),
    allowedHosts: readAllowedHosts(environment),
    allowsLoopbackHosts: !production,
    allowedOrigins,
    allowedHeaders: readAllowedHeaders(environment),
    loginPage: readLoginPage(environment),
    federation: flag(environment, 'FEDERATION', false),
    graphiql: flag(environment, 'GRAPHIQL', !production),
    introspection: flag(environment, 'INTROSPECTION', true),
    trustedDocuments: readTrustedDocumentsPolicy(environment),
    sessions: readSessionPolicy(environment),
    sessionRetentionMs: duration(environment, 'SESSION_RETENTION', '30d'),
    deviceRetentionMs: duration(environment, 'DEVICE_RETENTION', '7d'),
    reauthenticateAfterMs: duration(environment, 'REAUTHENTICATE_AFTER', '15m'),
    trustedProxies: readTrustedProxies(environment),
    hashedServiceKeys: list(environment, 'SERVICE_KEYS').map(hashedKey),
    encryptionKeys,
    accessTokens: readAccessTokenPolicy(environment, encryptionKeys !== null),
    adminRoles: atLeastOne('ADMIN_ROLES', list(environment, 'ADMIN_ROLES', 'admin')),
    passwords: readPasswordPolicy(environment, publicUrl.hostname),
    attempts: readAttemptPolicy(environment),
    assurance,
    secondFactor: readSecondFactorPolicy(environment, assurance, encryptionKeys !== null),
    passkeys: readPasskeyPolicy(environment, { publicUrl, appUrl: mail.appUrl, allowedOrigins }),
    mail,
    emailSignIn: readEmailSignInPolicy(environment, encryptionKeys !== null),
    factorResetDelayMs: readFactorResetDelay(environment),
    captcha: readCaptchaPolicy(environment),
    usernames: readUsernamePolicy(environment),
    isSignUpPrivate: flag(environment, 'PRIVATE_SIGN_UP', false),
    newDeviceMail: flag(environment, 'NEW_DEVICE_MAIL', true),
    auditRetentionMs: duration(environment, 'AUDIT_RETENTION', '365d'),
    drainMs: duration(environment, 'DRAIN_TIME', '0s', 0),
    streamsPerNode: integer(environment, 'STREAMS_PER_NODE', 10_000, { min: 0, max: 1_000_000 }),
    metrics: readMetricsPolicy(environment),
    traces: readTracesPolicy(environment),
    webhooks: readWebhookPolicy(environment),
    startedByNpm: environment.npm_lifecycle_event === 'start' || environment.npm_lifecycle_event === 'npx',
  };
  requireAssurance(config, environment);
  if (production) requireSafeForProduction(config);
  return config;
}

/**
 * Hands the environment to the reader of a room that a server can do without, so that what configures the room stands
 * in its own folder.
 */
export function readFromEnvironment<Settings>(
  read: (environment: Environment) => Settings,
  environment: Environment = process.env,
): Settings {
  return read(environment);
}

function requireSafeForProduction(config: Config): void {
  if (config.publicUrl.protocol !== 'https:') {
    throw invalid(
      'PUBLIC_URL',
      config.publicUrl.origin,
      'must begin with https:// if NODE_ENV is production: otherwise cookies are sent unencrypted',
    );
  }
}

function hashedKey(value: string): string {
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  // The message does not repeat the value, because it may be the key itself.
  throw new SettingError(
    'SERVICE_KEYS',
    'SERVICE_KEYS has an entry that is not the SHA-256 of a key: 64 lower-case hex digits.',
  );
}
