/** The hashes of passwords that can be stored: today's, and those that other systems made. */

/** What argon2 is to spend. */
export type Argon2Cost = { memoryKiB: number; passes: number; lanes: number };

/** A stored hash, read: what it asks for, and what is compared. */
export type PasswordHash =
  | ({ kind: 'argon2'; phc: string; type: string; version: string | null } & Argon2Cost)
  | { kind: 'bcrypt'; crypt: string; cost: number }
  | { kind: 'scrypt'; cost: number; blockSize: number; parallelization: number; salt: Buffer; key: Buffer }
  | { kind: 'pbkdf2'; digest: 'sha256' | 'sha512'; iterations: number; salt: Buffer; key: Buffer };

/**
 * The most work that a hash may ask for, whoever stored it: less than a second of one processor, and memory that a small
 * machine has. The work is memory times passes for argon2, N·r·p for scrypt, and the iterations times the blocks of the
 * key for PBKDF2. docs/passwords.md says how long each bound takes, and which settings of other systems are within it.
 */
const max = {
  argon2: { memoryKiB: 262_144, totalKiB: 1_048_576, lanes: 16 },
  bcrypt: { cost: 13 },
  // N·r·p also bounds the memory, to 128 MiB. Each block costs as much as some of N on top, so r·p has its own bound.
  scrypt: { work: 2 ** 20, blocks: 4_096 },
  pbkdf2: { sha256: 3_000_000, sha512: 1_500_000 },
};

/** The same in words, for who imports. */
const boundInWords: Record<PasswordHash['kind'], string> = {
  argon2: `m=${max.argon2.memoryKiB}, m·t=${max.argon2.totalKiB} and p=${max.argon2.lanes}`,
  bcrypt: `cost ${max.bcrypt.cost}`,
  scrypt: `N·r·p=${max.scrypt.work} and r·p=${max.scrypt.blocks}`,
  pbkdf2: `${max.pbkdf2.sha256} iterations of SHA-256 or ${max.pbkdf2.sha512} of SHA-512`,
};

/** In bytes, of PBKDF2's digests. A longer key takes all iterations once more for each of these. */
const digestLength = { sha256: 32, sha512: 64 };

/** The PHC string format, in which salt and hash are base64 without padding. Before argon2 had a version, it was 16. */
const argon2Phc =
  /^\$(argon2id|argon2i)(?:\$v=(16|19))?\$m=([1-9]\d{0,8}),t=([1-9]\d{0,8}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})$/;
const scryptPhc =
  /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,2}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{22,86})$/;

/** PHC, with the length or without; and passlib's, which leaves `i=` away and writes `.` for `+`. */
const pbkdf2Phc =
  /^\$pbkdf2-(sha256|sha512)\$(?:i=)?([1-9]\d{0,8})(?:,l=\d{1,3})?\$([A-Za-z0-9+/.]{1,128})\$([A-Za-z0-9+/.]{22,86})$/;

/** Django's, whose salt is the text itself. */
const pbkdf2Django = /^pbkdf2_(sha256)\$([1-9]\d{0,8})\$([!-#%-~]{1,128})\$([A-Za-z0-9+/]{43}=)$/;

/** The prefixes tell which mistakes the implementation that made it had corrected, and none of them is made today. */
const bcryptCrypt = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[A-Za-z0-9./]{53}$/;

/** Blitz.js': an argon2 hash in PHC string format and NUL bytes after it, 128 together, in base64. */
const blitz = /^[A-Za-z0-9+/]{171}=$/;

/** More than the longest text of these forms. */
const maxTextLength = 400;

/** Whether somebody with this hash can log in: it is of a form that is verified, and asks for no more than may be. */
export function isKnownHash(text: string): boolean {
  return hashProblem(text) === null;
}

/** Returns why nobody can log in with this hash, to follow its name in a sentence, or null if somebody can. */
export function hashProblem(text: string): string | null {
  const hash = parseHash(text);
  if (hash === null) return 'is not in a form that can be verified';
  return isAffordable(hash) ? null : `asks for more work than this server does: at most ${boundInWords[hash.kind]}`;
}

/** The hash that a text is, whatever it asks for, or null if it is of no known form. */
export function parseHash(text: string): PasswordHash | null {
  if (text.length > maxTextLength) return null;
  if (blitz.test(text)) return parseArgon2(Buffer.from(text, 'base64').toString('latin1').replace(/\0+$/, ''));
  return parseArgon2(text) ?? parseBcrypt(text) ?? parseScrypt(text) ?? parsePbkdf2(text);
}

/** Whether verifying it takes no more than a hash may ask for, or today's hashes do. */
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

/** In bytes. RFC 7914 section 2. */
export function scryptMemory({ cost, blockSize }: { cost: number; blockSize: number }): number {
  return 128 * cost * blockSize;
}

/** Whether verifying it is as much work as verifying one that is made today. */
export function hasTargetCost(hash: PasswordHash, target: Argon2Cost): boolean {
  if (hash.kind !== 'argon2') return false;
  return hash.memoryKiB === target.memoryKiB && hash.passes === target.passes && hash.lanes === target.lanes;
}

/** Whether a hash, stored as this, is of the form that is made today and costs an attacker no less. */
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

/** Whether base64 without padding is written as every encoder writes it, which argon2's reader insists on. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64').replace(/=+$/, '') === text;
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}
