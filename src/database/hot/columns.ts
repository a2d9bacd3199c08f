/**
 * The columns of the models that are read or inserted without Prisma's client, once each. The statements, and the
 * records made of their answers, follow from these tables alone, so that no column is forgotten or mistaken for another
 * one.
 */
import type {
  AuditEvent,
  Mail,
  RateLimit,
  ServiceClient,
  Session,
  User,
  UserToken,
} from '../../generated/sqlite/client.ts';

/** The value of each kind of column. An `id`, of 64 bits, may be that of another row; an `int` is a plain number. */
type Kinds = { id: bigint; int: number; text: string; time: Date };

type Kind = keyof Kinds;

/** The columns of a table, in the order in which statements name them. A kind with a `?` may be null. */
export type ColumnTable = { readonly [column: string]: Kind | `${Kind}?` };

type KindsOf<Value> = { [kind in Kind]: [Value, Kinds[kind]] extends [Kinds[kind], Value] ? kind : never }[Kind];

/** The type of a model's column table: every column of its rows with its kind, and no other column. */
export type ColumnsOf<Row> = {
  readonly [column in keyof Row]-?: null extends Row[column]
    ? `${KindsOf<NonNullable<Row[column]>>}?`
    : KindsOf<Row[column]>;
};

/** A row of a column table, as Prisma returns it. */
export type RecordOf<Table extends ColumnTable> = {
  -readonly [column in keyof Table]: Table[column] extends `${infer K extends Kind}?`
    ? Kinds[K] | null
    : Table[column] extends Kind
      ? Kinds[Table[column]]
      : never;
};

export const sessionColumns = {
  id: 'id',
  createdAt: 'time',
  updatedAt: 'time',
  expiresAt: 'time',
  lifetimeEndsAt: 'time?',
  lastSeenAt: 'time?',
  authenticatedAt: 'time?',
  authenticationMethods: 'text?',
  proofs: 'text?',
  handle: 'text',
  userId: 'id?',
  hashedSessionToken: 'text?',
  replacedHashedToken: 'text?',
  endedHashedToken: 'text?',
  transport: 'text?',
  endReason: 'text?',
  antiCSRFToken: 'text?',
  publicData: 'text?',
  privateData: 'text?',
  userAgent: 'text?',
  ipAddress: 'text?',
} satisfies ColumnsOf<Session>;

export const userColumns = {
  id: 'id',
  createdAt: 'time',
  updatedAt: 'time',
  name: 'text?',
  email: 'text',
  emailVerifiedAt: 'time?',
  hashedPassword: 'text?',
  role: 'text',
  suspendedAt: 'time?',
  secondFactorSince: 'time?',
  username: 'text?',
  usernameKey: 'text?',
} satisfies ColumnsOf<User>;

export const userTokenColumns = {
  id: 'id',
  createdAt: 'time',
  expiresAt: 'time',
  purpose: 'text',
  handle: 'text',
  hashedToken: 'text',
  sentTo: 'text?',
  data: 'text?',
  userId: 'id?',
} satisfies ColumnsOf<UserToken>;

export const mailColumns = {
  id: 'id',
  createdAt: 'time',
  sendAfter: 'time',
  attempts: 'int',
  priority: 'int',
  template: 'text',
  recipient: 'text',
  data: 'text?',
  userId: 'id?',
} satisfies ColumnsOf<Mail>;

export const auditEventColumns = {
  id: 'id',
  at: 'time',
  type: 'text',
  userId: 'id?',
  actorId: 'id?',
  sessionHandle: 'text?',
  ipAddress: 'text?',
  userAgent: 'text?',
  detail: 'text?',
} satisfies ColumnsOf<AuditEvent>;

export const serviceClientColumns = {
  id: 'id',
  createdAt: 'time',
  name: 'text',
  clientId: 'text',
  hashedSecret: 'text',
  previousHashedSecret: 'text?',
  scopes: 'text',
  lastUsedAt: 'time?',
  disabledAt: 'time?',
} satisfies ColumnsOf<ServiceClient>;

export const rateLimitColumns = {
  key: 'text',
  points: 'int',
  expiresAt: 'time?',
} satisfies ColumnsOf<RateLimit>;

/** The column tables, by the names of the models in the database. */
export const columnTables = {
  Session: sessionColumns,
  User: userColumns,
  UserToken: userTokenColumns,
  Mail: mailColumns,
  AuditEvent: auditEventColumns,
  ServiceClient: serviceClientColumns,
  RateLimit: rateLimitColumns,
};
