/** The only reader of the environment. Every variable, its default and its unit stands in `.env.example`. */
import { BlockList, isIP } from 'node:net';
import { withoutPassword } from './database/url.ts';
import { StartError } from './errors.ts';
import {
  atLeastOne,
  choice,
  duration,
  type Environment,
  flag,
  integer,
  invalid,
  list,
  origin,
  text,
} from './variables.ts';

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
};

/** How long sessions live, and how many of them. */
export type SessionPolicy = {
  /** How long a session lives from its last use. Sliding, in steps of a tenth. */
  idleTimeoutMs: number;
  /** How long a session lives from its start, however much it is used. */
  lifetimeMs: number;
  /** How many live sessions a user may have. */
  maxPerUser: number;
};

/** Proxies by their networks, and the header in which they say whom they speak for. */
export type TrustedProxies = { networks: BlockList; header: 'x-forwarded-for' | 'forwarded' };

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
    throw new StartError(`The file .env cannot be read: ${(error as Error).message}.`);
  }
}

/** NIST SP 800-63B-4 section 3.1.1: never below 8, and at least 15 where the password is the only factor. */
const shortestPassword = { allowed: 8, default: 15 };

/** OWASP's minimum for argon2id (Password Storage Cheat Sheet). */
const argon2 = { memoryKiB: 19_456, passes: 2, lanes: 1 };

/**
 * The configuration that the environment describes.
 *
 * @throws StartError that names the variable, its value and what it should be.
 */
export function readConfig(environment: Environment = process.env): Config {
  const production = environment.NODE_ENV === 'production';
  const port = integer(environment, 'PORT', 4000, { min: 0, max: 65_535 });
  const config: Config = {
    databaseUrl: databaseUrl(environment),
    databaseReplicaUrl: replicaUrl(environment),
    databasePoolSize: integer(environment, 'DATABASE_POOL_SIZE', 10, { min: 1, max: 1_000 }),
    host: text(environment, 'HOST', '127.0.0.1'),
    port,
    publicUrl: origin('PUBLIC_URL', text(environment, 'PUBLIC_URL', `http://localhost:${port}`)),
    allowedOrigins: new Set(list(environment, 'ALLOWED_ORIGINS').map((item) => origin('ALLOWED_ORIGINS', item).origin)),
    graphiql: flag(environment, 'GRAPHIQL', !production),
    sessions: {
      idleTimeoutMs: duration(environment, 'SESSION_IDLE_TIMEOUT', '7d'),
      lifetimeMs: duration(environment, 'SESSION_LIFETIME', '30d'),
      maxPerUser: integer(environment, 'SESSIONS_PER_USER', 20, { min: 1, max: 1_000 }),
    },
    sessionRetentionMs: duration(environment, 'SESSION_RETENTION', '30d'),
    deviceRetentionMs: duration(environment, 'DEVICE_RETENTION', '7d'),
    reauthenticateAfterMs: duration(environment, 'REAUTHENTICATE_AFTER', '15m'),
    trustedProxies: {
      networks: networks('TRUSTED_PROXIES', list(environment, 'TRUSTED_PROXIES')),
      header: choice(environment, 'PROXY_HEADER', ['x-forwarded-for', 'forwarded']),
    },
    hashedServiceKeys: list(environment, 'SERVICE_KEYS').map(hashedKey),
    adminRoles: atLeastOne('ADMIN_ROLES', list(environment, 'ADMIN_ROLES', 'admin')),
    passwords: {
      minLength: integer(environment, 'PASSWORD_MIN_LENGTH', shortestPassword.default, {
        min: shortestPassword.allowed,
        max: 64,
      }),
      memoryKiB: integer(environment, 'ARGON2_MEMORY_KIB', argon2.memoryKiB, { min: argon2.memoryKiB, max: 4_194_304 }),
      passes: integer(environment, 'ARGON2_PASSES', argon2.passes, { min: argon2.passes, max: 100 }),
      lanes: integer(environment, 'ARGON2_LANES', argon2.lanes, { min: argon2.lanes, max: 64 }),
    },
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

function isPostgresql(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.hostname !== '' && url.pathname.length > 1;
}

function replicaUrl(environment: Environment): string | null {
  const value = text(environment, 'DATABASE_REPLICA_URL', '');
  if (value === '' || isPostgresql(value)) return value || null;
  throw invalid(
    'DATABASE_REPLICA_URL',
    withoutPassword(value),
    'must be postgresql://user:password@host:5432/database',
  );
}

function databaseUrl(environment: Environment): string {
  const value = text(environment, 'DATABASE_URL', 'file:data/sessions.db');
  if (isPostgresql(value)) return value;
  if (!/^file:(?!\/\/)[^?#]+$/.test(value) || value === 'file::memory:') {
    throw invalid(
      'DATABASE_URL',
      withoutPassword(value),
      'must be file: and the path of an SQLite file, such as file:data/sessions.db, ' +
        'or postgresql://user:password@host:5432/database',
    );
  }
  return value;
}

function hashedKey(value: string): string {
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  // The value is not repeated: it may be the key itself.
  throw new StartError(
    'SERVICE_KEYS has an entry that is not the SHA-256 of a key, which is 64 digits of lower-case hex.',
  );
}

function networks(name: string, values: string[]): BlockList {
  const result = new BlockList();
  for (const value of values) {
    const [address = '', bits] = value.split('/');
    const version = isIP(address);
    const longest = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (version === 0 || !(prefix >= 1 && prefix <= longest)) {
      throw invalid(
        name,
        value,
        'must be an address or a network, such as 10.0.0.0/8 or fd00::/8, and not all of them',
      );
    }
    result.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return result;
}
