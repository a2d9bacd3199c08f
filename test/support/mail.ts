import { deliverDue } from '../../src/mail/delivery.ts';
import { createDeliveryLog } from '../../src/mail/delivery-log.ts';
import type { Message } from '../../src/mail/message.ts';
import { readTemplates } from '../../src/mail/templates.ts';
import type { TestApi } from './api.ts';

export type Delivered = Message & {
  /** The token of its link. Null without a link. */
  token: string | null;
};

/** Delivers the due mail of a server into memory, as its worker would: all of it, or until `maxCount` mails or more. */
export async function deliverMail(api: TestApi, { maxCount = Number.POSITIVE_INFINITY } = {}): Promise<Delivered[]> {
  const delivered: Delivered[] = [];
  const transport = {
    send: async (message: Message) => {
      const [, token = null] = /#token=(\S+)/.exec(message.text) ?? [];
      delivered.push({ ...message, token });
    },
    close: async () => {},
  };
  const { database, config, reported } = api;
  const clock = { now: () => api.clock.now };
  const render = await readTemplates(config.mail.templates);
  const log = createDeliveryLog((error) => reported.push(error), clock);
  const mayContinue = async () => delivered.length < maxCount;
  const { encryptionKeys, mail } = config;
  await deliverDue({ database, transport, render, appUrl: mail.appUrl, clock, encryptionKeys, log }, mayContinue);
  return delivered;
}

/** Returns the token in the only delivered mail of this name. */
export function tokenIn(mails: Delivered[], name: string): string {
  const tokens = mails.filter((mail) => mail.name === name).map(({ token }) => token);
  if (tokens.length !== 1 || !tokens[0]) throw new Error(`There are ${tokens.length} mails ${name}.`);
  return tokens[0];
}
