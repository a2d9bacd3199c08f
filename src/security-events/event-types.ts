/** The security events that this server sends: their types in CAEP 1.0 and RISC 1.0, and their claims. */
import type { AuditEventType } from '../events/record.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';
import { claimsOfEnd, type InitiatingEntity } from './session-ends.ts';

const caep = 'https://schemas.openid.net/secevent/caep/event-type';
const risc = 'https://schemas.openid.net/secevent/risc/event-type';

/** An event of the claim `events`: its type, and its claims. */
export type SecurityEvent = { type: string; claims: object };

/** An event about an account: all security events are. */
export type AccountEvent = AuditEvent & { userId: bigint };

type Describe = (event: AccountEvent) => SecurityEvent;

const sessionRevoked: Describe = (event) => ({
  type: `${caep}/session-revoked`,
  claims: { ...claimsOfEnd(event.type, event.detail, actorOf(event)), event_timestamp: secondsOf(event.at) },
});

function credentialChange(changeType: 'update' | 'revoke'): Describe {
  return (event) => ({
    type: `${caep}/credential-change`,
    claims: {
      credential_type: 'password',
      change_type: changeType,
      initiating_entity: actorOf(event),
      event_timestamp: secondsOf(event.at),
    },
  });
}

/** Tells the new value of a claim of access tokens. */
function claimsChange(claimsOf: (event: AccountEvent) => object): Describe {
  return (event) => ({
    type: `${caep}/token-claims-change`,
    claims: {
      claims: claimsOf(event),
      initiating_entity: actorOf(event),
      event_timestamp: secondsOf(event.at),
    },
  });
}

/** The types of RISC that are used here have no claims of their own. */
function account(name: string): Describe {
  return () => ({ type: `${risc}/${name}`, claims: {} });
}

/** The security event of each type of event in the log that has one. */
const descriptions: Partial<Record<AuditEventType, Describe>> = {
  LOGGED_OUT: sessionRevoked,
  SESSION_REVOKED: sessionRevoked,
  SESSION_EXPIRED: sessionRevoked,
  PASSWORD_CHANGED: credentialChange('update'),
  PASSWORD_RESET: credentialChange('update'),
  PASSWORD_REMOVED: credentialChange('revoke'),
  ROLE_CHANGED: claimsChange(({ detail }) => ({ role: detail?.split(' → ')[1] ?? null })),
  EMAIL_VERIFIED: claimsChange(() => ({ email_verified: true })),
  // RISC 1.0 section 2.5 reserves `identifier-changed`, which holds addresses, for the provider of the address.
  EMAIL_CHANGED: account('recovery-information-changed'),
  // The restored password changes nothing until the user has chosen a new one.
  CHANGE_UNDONE: account('account-credential-change-required'),
  PASSWORD_RESET_REQUESTED: account('recovery-activated'),
  USER_SUSPENDED: account('account-disabled'),
  USER_REINSTATED: account('account-enabled'),
  USER_DELETED: account('account-purged'),
};

/** Returns whether security events tell about a type of events. */
export function hasSecurityEvent(type: string): boolean {
  return Object.hasOwn(descriptions, type);
}

/** Returns whether a security event tells about an event of the log. Events without an account have none. */
export function isSecurityEvent(event: AuditEvent): event is AccountEvent {
  return event.userId !== null && hasSecurityEvent(event.type);
}

/** Returns the security event about an event of the log. Null if it has none. */
export function describeEvent(event: AuditEvent): SecurityEvent | null {
  return isSecurityEvent(event) ? (descriptions[event.type as AuditEventType]?.(event) ?? null) : null;
}

/** Returns whether an event of the log is the end of a session. */
export function isSessionEnd({ type }: AuditEvent): boolean {
  return descriptions[type as AuditEventType] === sessionRevoked;
}

/** Returns the entity that caused an event. Without an actor, an operator did. */
function actorOf({ actorId, userId }: AccountEvent): InitiatingEntity {
  return actorId === userId ? 'user' : 'admin';
}

/** Returns a time in Unix seconds, as CAEP 1.0 has it. */
export function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
