import type { MailName } from './outbox.ts';

/** A mail as it leaves the server. */
export type Message = {
  /** The same each time that a mail is sent, so that a second copy is recognised as one. */
  id: string;
  name: MailName;
  to: string;
  subject: string;
  text: string;
  html: string;
  date: Date;
};

/** What takes messages over. */
export type MailTransport = {
  /** Resolves when somebody else has the message, and will keep it. */
  send(message: Message): Promise<void>;
  close(): Promise<void>;
};
