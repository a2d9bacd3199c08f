import type { MailName } from './outbox.ts';

/** A mail, ready to be sent. */
export type Message = {
  /** The same for each attempt, so that a second copy is recognised. */
  id: string;
  name: MailName;
  to: string;
  subject: string;
  text: string;
  html: string;
  date: Date;
};

/** The connection to the SMTP server, or the folder that stands in for it. */
export type MailTransport = {
  /** Sends a message. Resolves when the receiver has taken over the responsibility for it. */
  send(message: Message): Promise<void>;
  close(): Promise<void>;
};
