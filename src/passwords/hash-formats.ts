/** The formats of stored password hashes: those of this server and of other systems. */

/** The cost parameters of argon2. */
export type Argon2Cost = { memoryKiB: number; passes: number; lanes: number };

/** A parsed hash: its cost, and the values to compare. */
export type PasswordHash =
  | ({ kind: 'argon2'; phc: string; type: string; version: string | null } & Argon2Cost)
  | { kind: 'bcrypt'; crypt: string; cost: number }
  | { kind: 'scrypt'; cost: number; blockSize: number; parallelization: number; salt: Buffer; key: Buffer }
  | { kind: 'pbkdf2'; digest: 'sha256' | 'sha512'; iterations: number; salt: Buffer; key: Buffer };

/**
 * The maximum work of a hash: less than a second of one processor, and memory that a small machine has. The work is
 * memory times passes for argon2, N·r·p for scrypt, and the iterations times the blocks of the key for PBKDF2.
 * docs/passwords.md lists the time at each maximum, and the settings of other systems within it.
 */
const max = {
  argon2: { memoryKiB: 262_144, totalKiB: 1_048_576, lanes: 16 },
  bcrypt: { cost: 13 },
  // N·r·p also bounds the memory, to 128 MiB. Each block costs as much as some of N on top, so r·p has its own bound.
  scrypt: { work: 2 ** 20, blocks: 4_096 },
  pbkdf2: { sha256: 3_000_000, sha512: 1_500_000 },
};

/** The same in words, for messages of the import. */
const boundInWords: Record<PasswordHash['kind'], string> = {
  argon2: `m=${max.argon2.memoryKiB}, m·t=${max.argon2.totalKiB} and p=${max.argon2.lanes}`,
  bcrypt: `cost ${max.bcrypt.cost}`,
  scrypt: `N·r·p=${max.scrypt.work} and r·p=${max.scrypt.blocks}`,
  pbkdf2: `${max.pbkdf2.sha256} iterations of SHA-256 or ${max.pbkdf2.sha512} of SHA-512`,
};

/** The length of PBKDF2's digests in bytes. A longer key repeats all iterations for each further digest. */
const digestLength = { sha256: 32, sha512: 64 };

/** The PHC string format. Salt and hash are base64 without padding. A hash without a version has version 16. */
const argon2Phc =
  /^\$(argon2id|argon2i)(?:\$v=(16|19))?\$m=([1-9]\d{0,8}),t=([1-9]\d{0,8}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})$/;
const scryptPhc =
  /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,2}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{22,86})$/;

/** PHC, with or without the length, and passlib's form, which omits `i=` and writes `.` for `+`. */
const pbkdf2Phc =
  /^\$pbkdf2-(sha256|sha512)\$(?:i=)?([1-9]\d{0,8})(?:,l=\d{1,3})?\$([A-Za-z0-9+/.]{1,128})\$([A-Za-z0-9+/.]{22,86})$/;

/** Django's form. Its salt is plain text. */
const pbkdf2Django = /^pbkdf2_(sha256)\$([1-9]\d{0,8})\$([!-#%-~]{1,128})\$([A-Za-z0-9+/]{43}=)$/;

/** The prefixes name corrections of early implementations. Today's implementations have all of them. */
const bcryptCrypt = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[A-Za-z0-9./]{53}$/;

/** In base64, the 128 bytes of libsodium's `crypto_pwhash_str`: an argon2 hash in PHC string format, then NUL bytes. */
const libsodium = /^[A-Za-z0-9+/]{171}=$/;

/** The maximum length of a hash, in characters. No text of these formats is as long. */
const maxTextLength = 400;

/** Returns whether a user with this hash can log in: its format is known, and its cost within the maximum. */
export function isKnownHash(text: string): boolean {
  return hashProblem(text) === null;
}

/** Returns why no user with this hash can log in, as the predicate of a sentence, or null. */
export function hashProblem(text: string): string | null {
  const hash = parseHash(text);
  if (hash === null) return 'is not in a form that can be verified';
  return isAffordable(hash) ? null : `asks for more work than this server does: at most ${boundInWords[hash.kind]}`;
}

/** Parses a hash of any cost. Returns null for an unknown format. */
export function parseHash(text: string): PasswordHash | null {
  if (text.length > maxTextLength) return null;
  if (libsodium.test(text)) return parseArgon2(Buffer.from(text, 'base64').toString('latin1').replace(/\0+$/, ''));
  return parseArgon2(text) ?? parseBcrypt(text) ?? parseScrypt(text) ?? parsePbkdf2(text);
}

/** Returns whether the cost of a hash is within the maximum, which a higher target cost raises for argon2. */
export function isAffordable(hash: PasswordHash, target: Argon2Cost = { memoryKiB: 0, passes: 0, lanes: 0 }): boolean {
  switch (hash.kind) {
    case 'argon2': {
      const total = Math.max(max.argon2.totalKiB, target.memoryKiB * target.passes);
      return (
        hash.memoryKiB <= Math.max(max.argon2.memoryKiB, target.memoryKiB) &&
        hash.memoryKiB * hash.passes <= total &&
        hash.lanes <= Math.max(max.argon2.lanes, target.lanes)
      );
    }
    case 'bcrypt':
      return hash.cost <= max.bcrypt.cost;
    case 'scrypt': {
      const blocks = hash.blockSize * hash.parallelization;
      return blocks <= max.scrypt.blocks && hash.cost * blocks <= max.scrypt.work;
    }
    case 'pbkdf2': {
      const rounds = Math.ceil(hash.key.length / digestLength[hash.digest]);
      return hash.iterations * rounds <= max.pbkdf2[hash.digest];
    }
  }
}

/** Returns the memory that scrypt takes, in bytes (RFC 7914 section 2). */
export function scryptMemory({ cost, blockSize }: { cost: number; blockSize: number }): number {
  return 128 * cost * blockSize;
}

/** Returns whether a hash costs as much work as the server's own. */
export function hasTargetCost(hash: PasswordHash, target: Argon2Cost): boolean {
  if (hash.kind !== 'argon2') return false;
  return hash.memoryKiB === target.memoryKiB && hash.passes === target.passes && hash.lanes === target.lanes;
}

/** Returns whether a hash may stay stored: it has the server's own format and costs an attacker no less. */
export function isUpToDate(hash: PasswordHash, stored: string | null, target: Argon2Cost): boolean {
  return (
    hash.kind === 'argon2' &&
    hash.phc === stored &&
    hash.type === 'argon2id' &&
    hash.version === '19' &&
    hash.memoryKiB >= target.memoryKiB &&
    hash.passes >= target.passes &&
    hash.lanes >= target.lanes
  );
}

function parseArgon2(text: string): PasswordHash | null {
  const [phc, type = '', version = null, memoryKiB, passes, lanes, salt = '', key = ''] = argon2Phc.exec(text) ?? [];
  if (phc === undefined || !isCanonical(salt) || !isCanonical(key)) return null;
  const cost = { memoryKiB: Number(memoryKiB), passes: Number(passes), lanes: Number(lanes) };
  // RFC 9106 section 3.1.
  if (cost.memoryKiB < 8 * cost.lanes) return null;
  return { kind: 'argon2', phc, type, version, ...cost };
}

function parseBcrypt(text: string): PasswordHash | null {
  const [crypt, cost] = bcryptCrypt.exec(text) ?? [];
  return crypt === undefined ? null : { kind: 'bcrypt', crypt, cost: Number(cost) };
}

function parseScrypt(text: string): PasswordHash | null {
  const [phc, logCost, blockSize, parallelization, salt = '', key = ''] = scryptPhc.exec(text) ?? [];
  // RFC 7914 section 2.
  if (phc === undefined || Number(logCost) >= 16 * Number(blockSize)) return null;
  const parameters = {
    cost: 2 ** Number(logCost),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
  };
  return { kind: 'scrypt', ...parameters, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

function parsePbkdf2(text: string): PasswordHash | null {
  const django = pbkdf2Django.exec(text);
  const [, digest, iterations, salt = '', key = ''] = django ?? pbkdf2Phc.exec(text) ?? [];
  if (digest !== 'sha256' && digest !== 'sha512') return null;
  return {
    kind: 'pbkdf2',
    digest,
    iterations: Number(iterations),
    salt: django ? Buffer.from(salt) : fromBase64(salt),
    key: fromBase64(key),
  };
}

/** Returns whether base64 without padding is in its canonical form, which argon2's reader requires. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64').replace(/=+$/, '') === text;
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}
