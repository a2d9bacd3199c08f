/** The only reader of the environment. Every variable, its default and its unit stands in `.env.example`. */

import { OperatorError } from '../errors.ts';
import { type BlitzPolicy, readBlitzPolicy } from './blitz.ts';
import { readDatabaseUrl, readReplicaUrl } from './database.ts';
import { readAllowedHosts } from './hosts.ts';
import { type MailPolicy, readMailPolicy } from './mail.ts';
import { readTrustedProxies, type TrustedProxies } from './proxies.ts';
import { atLeastOne, duration, type Environment, flag, integer, invalid, list, origin, text } from './variables.ts';

export type { BlitzPolicy, MailPolicy, TrustedProxies };

/** How passwords are judged and hashed. */
export type PasswordPolicy = {
  /** In code points, after normalisation. */
  minLength: number;
  /** argon2id's memory, in KiB. */
  memoryKiB: number;
  /** argon2id's number of passes over that memory. */
  passes: number;
  /** argon2id's number of lanes. */
  lanes: number;
  /** How many may wait for their password to be hashed before others are told to come back. */
  queueLength: number;
  /** A k-anonymity range service to ask whether a password is known to have been breached. Null asks nobody. */
  rangeUrl: URL | null;
  /** The host by which users know this server, whose name makes no password. */
  serviceHost: string;
};

/** How long sessions live, and how many of them. */
export type SessionPolicy = {
  /** How long a session lives from its last use. Sliding, in steps of a tenth. */
  idleTimeoutMs: number;
  /** How long a session lives from its start, however much it is used. */
  lifetimeMs: number;
  /** How many live sessions a user may have. */
  maxPerUser: number;
  /** How long an anonymous session lives that is not used again after it started. */
  unusedTimeoutMs: number;
};

/** How often something may be done before one has to wait. A network of /24 or /48 may do ten times what an address may. */
export type AttemptPolicy = {
  /** Wrong passwords for one account in a row before each further one has to wait, longer each time. */
  perAccount: number;
  /** Wrong passwords and links from one address, or one IPv6 network of /64, in a quarter of an hour. */
  perAddress: number;
  /** Accounts that may be asked for from one address, or one IPv6 network of /64, in an hour. */
  signUpsPerAddress: number;
  /** Anonymous sessions that may start from one address, or one IPv6 network of /64, in an hour. */
  anonymousSessionsPerAddress: number;
};

export type Config = {
  databaseUrl: string;
  /** A read replica of the database, for listings. Null if there is none. */
  databaseReplicaUrl: string | null;
  /** How many connections to PostgreSQL may be open at once. */
  databasePoolSize: number;
  host: string;
  /** 0 lets the system choose a free one. */
  port: number;
  /** Where clients reach this server: scheme, host and port. Over https, cookies are `__Host-` and `Secure`. */
  publicUrl: URL;
  /** Host names, beside that of `publicUrl`, for which this server answers. */
  allowedHosts: ReadonlySet<string>;
  /** Whether it answers for `localhost` too, and for the other names of the loopback address. */
  allowsLoopbackHosts: boolean;
  /** Web origins other than our own whose pages may call this server with the user's cookie. */
  allowedOrigins: ReadonlySet<string>;
  /** Whether a browser that opens the GraphQL path gets GraphiQL. */
  graphiql: boolean;
  sessions: SessionPolicy;
  /** How long a session is kept after it ended or expired, before it is pruned. */
  sessionRetentionMs: number;
  /** How long the address and the user agent of a session are kept after it ended or expired. */
  deviceRetentionMs: number;
  /** How long a proof of the password is good for what asks for a recent one. */
  reauthenticateAfterMs: number;
  /** The proxies whose word on where a request comes from is taken. */
  trustedProxies: TrustedProxies;
  /** The SHA-256, in lower-case hex, of each key by which a trusted service is known. */
  hashedServiceKeys: readonly string[];
  /** Roles whose users may see and end everything; the first is what `create-admin` gives. */
  adminRoles: readonly [string, ...string[]];
  passwords: PasswordPolicy;
  attempts: AttemptPolicy;
  mail: MailPolicy;
  /** Whether `signUp` keeps to itself that an address has an account, and goes on by mail only. */
  isSignUpPrivate: boolean;
  /** How sessions that a Blitz.js application started go on. Null if they do not. */
  blitz: BlitzPolicy | null;
  /** How long what happened to accounts is kept. */
  auditRetentionMs: number;
  /** How long the server goes on taking requests after it was told to stop and says that it is not ready. */
  drainMs: number;
  /** Whether `npm start` started the process, which on a signal ends its shell and not what runs in it. */
  startedByNpm: boolean;
};

/** Adds what the file `.env` in the working directory sets, where there is one, to the environment that is there. */
export function loadEnvironmentFile(): void {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new OperatorError(`The file .env cannot be read: ${(error as Error).message}.`);
  }
}

/** NIST SP 800-63B-4 section 3.1.1: never below 8, and at least 15 where the password is the only factor. */
const passwordMinLength = { min: 8, default: 15 };

/** NIST SP 800-63B-4 section 3.2.2 allows 100 failures in a row; half of them are for devices that are known. */
const maxAttempts = 50;

/** OWASP's minimum for argon2id (Password Storage Cheat Sheet). */
const argon2 = { memoryKiB: 19_456, passes: 2, lanes: 1 };

/**
 * The configuration that the environment describes.
 *
 * @throws OperatorError that names the variable, its value and what it should be.
 */
export function readConfig(environment: Environment = process.env): Config {
  const production = environment.NODE_ENV === 'production';
  const port = integer(environment, 'PORT', 4000, { min: 0, max: 65_535 });
  const publicUrl = origin('PUBLIC_URL', text(environment, 'PUBLIC_URL', `http://localhost:${port}`));
  const config: Config = {
    databaseUrl: readDatabaseUrl(environment),
    databaseReplicaUrl: readReplicaUrl(environment),
    databasePoolSize: integer(environment, 'DATABASE_POOL_SIZE', 10, { min: 1, max: 1_000 }),
    host: text(environment, 'HOST', '127.0.0.1'),
    port,
    publicUrl,
    allowedHosts: readAllowedHosts(environment),
    allowsLoopbackHosts: !production,
    allowedOrigins: new Set(list(environment, 'ALLOWED_ORIGINS').map((item) => origin('ALLOWED_ORIGINS', item).origin)),
    graphiql: flag(environment, 'GRAPHIQL', !production),
    sessions: {
      idleTimeoutMs: duration(environment, 'SESSION_IDLE_TIMEOUT', '7d'),
      lifetimeMs: duration(environment, 'SESSION_LIFETIME', '30d'),
      maxPerUser: integer(environment, 'SESSIONS_PER_USER', 20, { min: 1, max: 1_000 }),
      unusedTimeoutMs: duration(environment, 'UNUSED_SESSION_TIMEOUT', '2h'),
    },
    sessionRetentionMs: duration(environment, 'SESSION_RETENTION', '30d'),
    deviceRetentionMs: duration(environment, 'DEVICE_RETENTION', '7d'),
    reauthenticateAfterMs: duration(environment, 'REAUTHENTICATE_AFTER', '15m'),
    trustedProxies: readTrustedProxies(environment),
    hashedServiceKeys: list(environment, 'SERVICE_KEYS').map(hashedKey),
    adminRoles: atLeastOne('ADMIN_ROLES', list(environment, 'ADMIN_ROLES', 'admin')),
    passwords: {
      minLength: integer(environment, 'PASSWORD_MIN_LENGTH', passwordMinLength.default, {
        min: passwordMinLength.min,
        max: 64,
      }),
      memoryKiB: integer(environment, 'ARGON2_MEMORY_KIB', argon2.memoryKiB, { min: argon2.memoryKiB, max: 4_194_304 }),
      passes: integer(environment, 'ARGON2_PASSES', argon2.passes, { min: argon2.passes, max: 100 }),
      lanes: integer(environment, 'ARGON2_LANES', argon2.lanes, { min: argon2.lanes, max: 64 }),
      queueLength: integer(environment, 'PASSWORD_QUEUE', 100, { min: 1, max: 10_000 }),
      rangeUrl: rangeUrl(environment),
      serviceHost: publicUrl.hostname,
    },
    attempts: {
      perAccount: integer(environment, 'LOGIN_ATTEMPTS', 10, { min: 1, max: maxAttempts }),
      perAddress: integer(environment, 'LOGIN_ATTEMPTS_PER_ADDRESS', 100, { min: 1, max: 1_000_000 }),
      signUpsPerAddress: integer(environment, 'SIGN_UPS_PER_ADDRESS', 100, { min: 1, max: 1_000_000 }),
      anonymousSessionsPerAddress: integer(environment, 'ANONYMOUS_SESSIONS_PER_ADDRESS', 300, {
        min: 1,
        max: 1_000_000,
      }),
    },
    mail: readMailPolicy(environment, publicUrl),
    isSignUpPrivate: flag(environment, 'PRIVATE_SIGN_UP', false),
    blitz: readBlitzPolicy(environment),
    auditRetentionMs: duration(environment, 'AUDIT_RETENTION', '365d'),
    drainMs: duration(environment, 'DRAIN_TIME', '0s', 0),
    startedByNpm: environment.npm_lifecycle_event === 'start',
  };
  if (production) requireSafeForProduction(config);
  return config;
}

function requireSafeForProduction(config: Config): void {
  if (config.publicUrl.protocol !== 'https:') {
    throw invalid(
      'PUBLIC_URL',
      config.publicUrl.origin,
      'must begin with https:// when NODE_ENV is production, or cookies would travel in the clear',
    );
  }
}

function hashedKey(value: string): string {
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  // The value is not repeated: it may be the key itself.
  throw new OperatorError(
    'SERVICE_KEYS has an entry that is not the SHA-256 of a key, which is 64 digits of lower-case hex.',
  );
}

function rangeUrl(environment: Environment): URL | null {
  const value = text(environment, 'PASSWORD_RANGE_URL', '');
  if (value === '') return null;
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol) || !url.pathname.endsWith('/')) {
    throw invalid('PASSWORD_RANGE_URL', value, 'must be an address to which five hex digits can be added: https://…/');
  }
  return url;
}
