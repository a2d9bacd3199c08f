import type { Prisma, RateLimit, Session, User } from '../../generated/sqlite/client.ts';

/** A session together with its user; null where it is anonymous. */
export type SessionWithUser = Prisma.SessionGetPayload<{ include: { user: true } }>;

/** Reads that are made so often that they go past Prisma, as prepared statements, in a tenth of the time. */
export type PreparedReads = {
  /**
   * The session with this handle and its user, as `session.findUnique` would return them, or null: the one read that
   * every request makes.
   */
  $findSession(handle: string): Promise<SessionWithUser | null>;
  /** The sessions of these users that are live at that time, in no order. */
  $findLiveSessions(userIds: readonly number[], now: Date): Promise<Session[]>;
  /**
   * The users who have this address, if the case of its letters makes no difference, in no order. By an index on just
   * that, however many users there are.
   */
  $findUsersByAddress(address: string): Promise<User[]>;
  /** The ids of the devices that are known as a user's, in no order. */
  $findKnownDevices(userId: number): Promise<number[]>;
  /** What was counted under these keys, also what has expired, in no order. */
  $findRateLimits(keys: readonly string[]): Promise<RateLimit[]>;
};

/** The columns of a session, in the order of `SessionRow` and `toSession`. */
const sessionNames = [
  'id',
  'createdAt',
  'updatedAt',
  'expiresAt',
  'lastSeenAt',
  'authenticatedAt',
  'handle',
  'userId',
  'hashedSessionToken',
  'antiCSRFToken',
  'publicData',
  'privateData',
  'userAgent',
  'ipAddress',
  'replacedHashedToken',
  'transport',
] as const satisfies (keyof Session)[];

const sessionColumns = sessionNames.map((name) => `s."${name}"`).join(', ');

const userColumns = `u."id", u."createdAt", u."updatedAt", u."name", u."email", u."emailVerifiedAt",
      u."hashedPassword", u."role", u."suspendedAt"`;

/** The statement for sessions of which this is true. Its columns are in the order in which `toSession` takes them. */
export function sessionStatement(condition: string): string {
  return `SELECT ${sessionColumns} FROM "Session" s WHERE ${condition}`;
}

/** The same with their users, for `toSessionWithUser`. */
export function sessionWithUserStatement(condition: string): string {
  return `SELECT ${sessionColumns}, ${userColumns}
    FROM "Session" s LEFT JOIN "User" u ON u."id" = s."userId"
    WHERE ${condition}`;
}

/** The statement for users of whom this is true, for `toUser`. */
export function userStatement(condition: string): string {
  return `SELECT ${userColumns} FROM "User" u WHERE ${condition}`;
}

/** The statement for the ids of a user's known devices: the user is in this placeholder. */
export function knownDeviceStatement(userId: string): string {
  return `SELECT t."id" FROM "UserToken" t WHERE t."userId" = ${userId} AND t."purpose" = 'KNOWN_DEVICE'`;
}

/** The statement for counts of which this is true, for `toRateLimit`. */
export function rateLimitStatement(condition: string): string {
  return `SELECT r."key", r."points", r."expiresAt" FROM "RateLimit" r WHERE ${condition}`;
}

/** `whereLive`, in the terms of a statement on `"Session" s`, which goes on with the time. */
export const isLiveAt = `s."hashedSessionToken" IS NOT NULL AND s."expiresAt" >`;

/** A row of `sessionStatement`. What is a time comes in the form of the database. */
export type SessionRow<Time> = [
  id: number,
  createdAt: Time,
  updatedAt: Time,
  expiresAt: Time,
  lastSeenAt: Time | null,
  authenticatedAt: Time | null,
  handle: string,
  userId: number | null,
  hashedSessionToken: string | null,
  antiCSRFToken: string | null,
  publicData: string | null,
  privateData: string | null,
  userAgent: string | null,
  ipAddress: string | null,
  replacedHashedToken: string | null,
  transport: string | null,
];

/** A row of `userStatement`. */
export type UserRow<Time> = [
  id: number,
  createdAt: Time,
  updatedAt: Time,
  name: string | null,
  email: string,
  emailVerifiedAt: Time | null,
  hashedPassword: string | null,
  role: string,
  suspendedAt: Time | null,
];

/** What is the user's is all null where there is none. */
export type SessionWithUserRow<Time> = [...SessionRow<Time>, ...(UserRow<Time> | Nulls<UserRow<Time>>)];

type Nulls<Row> = { [column in keyof Row]: null };

/** A row of `rateLimitStatement`. */
export type RateLimitRow<Time> = [key: string, points: number, expiresAt: Time | null];

export function toSession<Time>(row: Readonly<SessionRow<Time>>, toDate: (time: Time) => Date): Session {
  return {
    id: row[0],
    createdAt: toDate(row[1]),
    updatedAt: toDate(row[2]),
    expiresAt: toDate(row[3]),
    lastSeenAt: row[4] === null ? null : toDate(row[4]),
    authenticatedAt: row[5] === null ? null : toDate(row[5]),
    handle: row[6],
    userId: row[7],
    hashedSessionToken: row[8],
    antiCSRFToken: row[9],
    publicData: row[10],
    privateData: row[11],
    userAgent: row[12],
    ipAddress: row[13],
    replacedHashedToken: row[14],
    transport: row[15],
  };
}

export function toUser<Time>(row: Readonly<UserRow<Time>>, toDate: (time: Time) => Date): User {
  return {
    id: row[0],
    createdAt: toDate(row[1]),
    updatedAt: toDate(row[2]),
    name: row[3],
    email: row[4],
    emailVerifiedAt: row[5] === null ? null : toDate(row[5]),
    hashedPassword: row[6],
    role: row[7],
    suspendedAt: row[8] === null ? null : toDate(row[8]),
  };
}

export function toSessionWithUser<Time>(row: SessionWithUserRow<Time>, toDate: (time: Time) => Date): SessionWithUser {
  // The columns of the session come first.
  const session = toSession(row as unknown as SessionRow<Time>, toDate);
  const user = row.slice(sessionWidth) as UserRow<Time> | Nulls<UserRow<Time>>;
  return { ...session, user: isSomebody(user) ? toUser(user, toDate) : null };
}

/** Where the user's columns begin. Does not compile unless `SessionRow` has as many columns as the statements read. */
const sessionWidth: SessionRow<never>['length'] = sessionNames.length;

function isSomebody<Time>(row: UserRow<Time> | Nulls<UserRow<Time>>): row is UserRow<Time> {
  return row[0] !== null;
}

export function toRateLimit<Time>(
  [key, points, expiresAt]: RateLimitRow<Time>,
  toDate: (time: Time) => Date,
): RateLimit {
  return { key, points, expiresAt: expiresAt === null ? null : toDate(expiresAt) };
}
