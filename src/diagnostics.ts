/**
 * Channels on which the rooms tell what happens, for metrics and traces. A message costs nothing while nobody listens.
 * They belong to the process: several servers in one process share them.
 */
import { channel } from 'node:diagnostics_channel';

export type Topic<Message extends object> = {
  /** Tells a message to the listeners, if there are any. */
  publish(message: Message): void;
  /** Listens to messages. Returns a function that ends this. */
  subscribe(listener: (message: Message) => void): () => void;
};

/** The message of an occurrence about which there is no more to tell. */
type Nothing = Record<string, never>;

function topic<Message extends object>(name: string): Topic<Message> {
  const named = channel(`graphql-sessions:${name}`);
  return {
    publish(message) {
      if (named.hasSubscribers) named.publish(message);
    },
    subscribe(listener) {
      // Only `publish` of this topic writes to the channel.
      const receive = (message: unknown) => listener(message as Message);
      named.subscribe(receive);
      return () => void named.unsubscribe(receive);
    },
  };
}

/** Returns one function that ends several subscriptions. */
export function endAll(endings: readonly (() => void)[]): () => void {
  return () => {
    for (const end of endings) end();
  };
}

/** Events of accounts that were written. A transaction that is repeated after a conflict writes its events again. */
export const recordedEvents = topic<{ types: readonly string[] }>('recorded-events');

/** Sessions that were started. */
export const startedSessions = topic<{ hasUser: boolean }>('started-sessions');

/** Sessions that were ended for a reason. */
export const endedSessions = topic<{ reason: string; count: number }>('ended-sessions');

/** Sessions whose use was written. */
export const renewedSessions = topic<Nothing>('renewed-sessions');

/** Attempts and requests that a limit refused. The name of the limit is one of this server. */
export const reachedLimits = topic<{ limit: string }>('reached-limits');

/** Requests that were refused because too many passwords wait to be hashed. */
export const refusedHashes = topic<Nothing>('refused-hashes');

/** Passwords that got a place in the queue for hashing, after a time in milliseconds. */
export const hashingWaits = topic<{ waitedMs: number }>('hashing-waits');

/** Password hashes that were computed or checked, with the time in milliseconds from the job to its result. */
export const hashingTimes = topic<{ task: string; ms: number }>('hashing-times');

/** Operations that were executed although their document is not trusted. Published only in the mode `report`. */
export const untrustedOperations = topic<Nothing>('untrusted-operations');

/** Statements of the database. Published only by a server whose metrics or traces are on. */
export const statementTimes = topic<{ kind: string; ms: number; isFailed: boolean }>('statement-times');

/**
 * The times for which single requests waited for a read that many share. The read itself is among the statements.
 * Published only by a server whose traces are on.
 */
export const sharedReads = topic<{ ms: number; isFailed: boolean }>('shared-reads');

/** Attempts to send a mail, with the time of the transport in milliseconds. */
export const sentMails = topic<{ result: 'sent' | 'failed'; template: string; ms: number }>('sent-mails');

/** Mails that are never tried again, and were not sent. */
export const givenUpMails = topic<Nothing>('given-up-mails');

/** Attempts to deliver an event to a webhook, with their time in milliseconds. After a dead one there is no other. */
export const webhookAttempts = topic<{ result: 'delivered' | 'failed' | 'dead'; ms: number }>('webhook-attempts');

/** Webhooks that were disabled because of their receivers. */
export const disabledWebhooks = topic<{ reason: string }>('disabled-webhooks');

/** Rows that maintenance deleted after their retention. */
export const prunedRows = topic<{ table: string; count: number }>('pruned-rows');

/** Streams that were opened, by their transport. */
export const openedStreams = topic<{ transport: string }>('opened-streams');

/** Streams that ended, by the reason. */
export const endedStreams = topic<{ transport: string; reason: string }>('ended-streams');

/** Messages of streams that were taken for delivery, with the time since their newest event in milliseconds. */
export const streamDeliveries = topic<{ ms: number }>('stream-deliveries');
