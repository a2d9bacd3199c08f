import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MailPolicy } from '../../src/config/config.ts';
import { OperatorNotice } from '../../src/errors.ts';
import { deliverDue, startDelivery } from '../../src/mail/delivery.ts';
import { createDeliveryLog, type DeliveryLog } from '../../src/mail/delivery-log.ts';
import type { MailTransport, Message } from '../../src/mail/message.ts';
import { enqueueMail, type MailName, mails } from '../../src/mail/outbox.ts';
import { readTemplates } from '../../src/mail/templates.ts';
import { openMailTransport } from '../../src/mail/transport.ts';
import { findUserToken } from '../../src/tokens/user-token.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { temporaryFolder } from '../support/database.ts';
import { requestSignIn, startByEmail } from '../support/email-sign-in.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { startServer } from '../support/process.ts';
import { textOf } from '../support/text.ts';

const hour = 3_600_000;

/** Sends the mails that are due through a transport of the test. */
async function deliverBy(
  api: TestApi,
  transport: Pick<MailTransport, 'send'>,
  { log = logOf(api), templates = null }: { log?: DeliveryLog; templates?: string | null } = {},
): Promise<void> {
  const { database, config, clock } = api;
  await deliverDue(
    {
      database,
      transport: { ...transport, close: async () => {} },
      render: await readTemplates(templates),
      appUrl: config.mail.appUrl,
      clock: { now: () => clock.now },
      encryptionKeys: config.encryptionKeys,
      log,
    },
    async () => true,
  );
}

/** Returns the log of a server, which knows of no outage yet. */
function logOf({ reported, clock }: TestApi): DeliveryLog {
  return createDeliveryLog((error) => reported.push(error), { now: () => clock.now });
}

/** Returns the reported lines, and forgets them. */
function linesOf({ reported }: TestApi): string[] {
  return reported.splice(0).map((error) => {
    expect(error).toBeInstanceOf(OperatorNotice);
    return (error as OperatorNotice).message;
  });
}

const links = { purpose: { not: 'KNOWN_DEVICE' } };

function countLinks({ database }: TestApi): Promise<number> {
  return database.userToken.count({ where: links });
}

function pass(api: TestApi, milliseconds: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + milliseconds);
}

type SmtpOptions = {
  onSender?: () => { message: string; responseCode: number } | null;
  onRecipient?: (address: string) => { message: string; responseCode: number } | null;
  onData?: () => Promise<void>;
};

/** Starts an SMTP server on this machine that stores the mails it accepts. */
async function startSmtp({ onSender, onRecipient, onData }: SmtpOptions = {}) {
  const messages: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onMailFrom(_address, _session, done) {
      const refusal = onSender?.();
      done(refusal ? Object.assign(new Error(refusal.message), refusal) : null);
    },
    onRcptTo({ address }, _session, done) {
      const refusal = onRecipient?.(address);
      done(refusal ? Object.assign(new Error(refusal.message), refusal) : null);
    },
    onData(stream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        await onData?.();
        messages.push(Buffer.concat(chunks).toString());
        done();
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, messages };
}

const policy: MailPolicy = {
  smtpUrl: null,
  folder: 'unused',
  from: 'Example <accounts@example.com>',
  templates: null,
  appUrl: new URL('https://app.example.com'),
};

describe('mail', () => {
  it('has a working link, and the database stores only a hash of its token', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    expect(textOf(await api.database.mail.findMany())).not.toContain('token');
    const mail = await deliverMail(api);
    expect(mail).toMatchObject([{ to: 'ada@example.com', subject: 'Please confirm your email address' }]);
    const token = tokenIn(mail, 'verify-email');
    expect(mail[0]?.text).toContain(`http://localhost:4000/verify-email#token=${token}`);
    expect(mail[0]?.html).toContain(token);
    expect(await findUserToken(api.database, 'VERIFY_EMAIL', token, api.clock.now)).toMatchObject({
      sentTo: 'ada@example.com',
    });
    expect(await findUserToken(api.database, 'RESET_PASSWORD', token, api.clock.now)).toBeNull();
    expect(textOf(await api.database.userToken.findMany())).not.toContain(token.split('.')[1]);
    expect(await api.database.mail.count()).toBe(0);
    expect(await deliverMail(api)).toEqual([]);
  });

  it.each(Object.keys(mails) as MailName[])('%s can be rendered, with no placeholder left', async (name) => {
    const render = await readTemplates(null);
    const values = { appUrl: 'https://app.example.com', recipient: 'a&b@example.com', newEmail: 'new@example.com' };
    const link = mails[name] ? { token: 'the-token', validFor: '1 hour' } : {};
    const { subject, text, html } = render(name, { ...values, ...link });
    expect(subject).not.toBe('');
    for (const part of [subject, text, html]) expect(part).not.toMatch(/\{\{|undefined/);
    for (const part of [text, html]) expect(part.includes('the-token')).toBe(mails[name] !== null);
    // Escaped in HTML, and as it is in text.
    expect(html).not.toContain('a&b@');
    expect(text).not.toContain('&amp;');
  });

  it('uses the templates of the operator, if there are any', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'account-deleted.txt'), 'Subject: Bye {{recipient}}\n\nYours, Example.\n');
    const render = await readTemplates(folder);
    const injected = render('account-deleted', { recipient: 'ada\r\nBcc: eve@example.com' });
    expect(injected).toMatchObject({ subject: 'Bye ada Bcc: eve@example.com', text: 'Yours, Example.\n' });
    expect(injected.html).toContain('<h1>Your account was deleted</h1>');
    await writeFile(join(folder, 'account-deleted.txt'), 'Subject: Bye {{#name}}');
    await expect(readTemplates(folder)).rejects.toThrow(/account-deleted\.txt cannot be used: Unclosed section/);
    await writeFile(join(folder, 'account-deleted.txt'), 'Bye');
    await expect(readTemplates(folder)).rejects.toThrow(/first line of the template account-deleted\.txt/);
  });
});

describe('link', () => {
  it.each(['suspended', 'gone', 'at another address'])('is not sent to a user who is %s by then', async (what) => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const where = { email: 'ada@example.com' };
    if (what === 'suspended') await api.database.user.update({ where, data: { suspendedAt: api.clock.now } });
    if (what === 'gone') await api.database.user.delete({ where });
    if (what === 'at another address') await api.database.user.update({ where, data: { email: 'new@example.com' } });
    expect(await deliverMail(api)).toEqual([]);
    expect(await api.database.mail.count()).toBe(0);
    expect(await countLinks(api)).toBe(0);
  });

  it('is void after the request of a newer one, also while the older one is being sent', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await deliverMail(api);
    await ada.ask('mutation { requestEmailVerification { email } }');
    let sent: Message | undefined;
    await deliverBy(api, {
      async send(message) {
        if (!sent) await ada.ask('mutation { requestEmailVerification { email } }');
        sent ??= message;
      },
    });
    const [, token = ''] = /#token=(\S+)/.exec(sent?.text ?? '') ?? [];
    expect(await findUserToken(api.database, 'VERIFY_EMAIL', token, api.clock.now)).toBeNull();
    expect(await countLinks(api)).toBe(1);
  });
});

describe('failed mail', () => {
  it('is sent again after growing pauses, delays no other, and leaves no link behind', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    await api.signUp('bob@example.com');
    const tried: string[] = [];
    const transport = {
      async send({ to }: Message) {
        tried.push(to);
        if (to.startsWith('ada')) throw new Error(`cannot reach the server of ${to}`);
      },
    };
    await deliverBy(api, transport);
    expect(tried.sort()).toEqual(['ada@example.com', 'bob@example.com']);
    expect(await api.database.userToken.findMany({ where: links })).toMatchObject([{ sentTo: 'bob@example.com' }]);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const [mail] = await api.database.mail.findMany();
      pauses.push((mail?.sendAfter.getTime() ?? 0) - api.clock.now.getTime());
      await deliverBy(api, transport);
      expect(tried).toHaveLength(2 + attempt);
      pass(api, pauses.at(-1) ?? 0);
      await deliverBy(api, transport);
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(8_000);
    expect(pauses[0]).toBeLessThanOrEqual(12_000);
    expect(pauses[3]).toBeGreaterThan((pauses[0] ?? 0) * 4);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1.2 * hour);
    // It is delivered at last.
    pass(api, 2 * hour);
    expect(await deliverMail(api)).toMatchObject([{ to: 'ada@example.com' }]);
  });

  it('is sent again with the same code, as both may arrive', async () => {
    const { api } = await startByEmail();
    await requestSignIn(api.client());
    const codes: string[] = [];
    const tokens: string[] = [];
    for (const isBroken of [true, true, false]) {
      await deliverBy(api, {
        async send({ text }) {
          codes.push(/^\d{6}$/m.exec(text)?.[0] ?? '');
          tokens.push(/#token=(\S+)/.exec(text)?.[1] ?? '');
          if (isBroken) throw new Error('the connection broke after the message');
        },
      });
      pass(api, 30_000);
    }
    expect(codes).toEqual([expect.stringMatching(/^\d{6}$/), codes[0], codes[0]]);
    expect(new Set(tokens).size).toBe(3);
    expect(await api.database.mail.count()).toBe(0);
    // The link of a mail that was not sent is void, as those of all mails.
    expect(await api.database.userToken.count({ where: { purpose: 'EMAIL_SIGN_IN' } })).toBe(1);
  });

  it('is given up after three days, with a report that contains no address', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const transport = {
      send: async () => {
        throw Object.assign(new Error('no mail for ada@example.com'), { code: 'ECONNECTION' });
      },
    };
    await deliverBy(api, transport);
    pass(api, 73 * hour);
    await deliverBy(api, transport);
    expect(await api.database.mail.count()).toBe(0);
    expect(String(api.reported)).toMatch(/Mail \d+ \(verify-email, user \d+\) was given up at attempt 2: ECONNECTION/);
    expect(String(api.reported)).not.toContain('ada@');
  });
});

describe('mail that cannot be made', () => {
  /** Adds mails that fail before they reach the transport, as many as are sent at once and more, all due first. */
  async function poison(api: TestApi): Promise<void> {
    const sendAfter = new Date(api.clock.now.getTime() - hour);
    const names = [
      'email-changed',
      'email-changed',
      'email-changed',
      'constructor',
      'of-a-newer-version',
      'account-deleted',
    ];
    const data = ['{"newEmail": "eve@example.com"', '["eve@example.com"]', '{"newEmail": {"a": "eve@example.com"}}'];
    for (const [n, name] of names.entries()) {
      await api.database.mail.create({
        data: {
          sendAfter,
          createdAt: sendAfter,
          priority: 0,
          template: name,
          recipient: 'ada@example.com',
          data: data[n] ?? null,
        },
      });
    }
  }

  /** A folder in which the template of one mail fails for every mail of its name. */
  async function brokenTemplates(): Promise<string> {
    const folder = await temporaryFolder();
    // It includes itself without end.
    await writeFile(join(folder, 'header.html'), '{{> header}}');
    return folder;
  }

  it('delays no other mail, is tried again and is given up, and each attempt is one line without an address', async () => {
    const api = await startApi();
    await poison(api);
    await api.signUp('bob@example.com');
    const sent: string[] = [];
    const transport = { send: async ({ to }: Message) => void sent.push(to) };
    await deliverBy(api, transport);
    expect(sent.sort()).toEqual(['ada@example.com', 'bob@example.com']);
    const lines = linesOf(api);
    const failures = lines.map((line) => line.replace(/^Mail \d+ /, '')).sort();
    expect(failures).toEqual([
      '(constructor, user none), attempt 1 failed: this version does not know its template.',
      ...Array(3).fill('(email-changed, user none), attempt 1 failed: its data is not an object of texts.'),
      '(of-a-newer-version, user none), attempt 1 failed: this version does not know its template.',
    ]);
    expect(textOf(lines)).not.toMatch(/@|eve/);
    await deliverBy(api, transport);
    expect(linesOf(api)).toEqual([]);
    pass(api, 13_000);
    await deliverBy(api, transport);
    expect(textOf(linesOf(api)).match(/attempt 2 failed/g)).toHaveLength(5);
    pass(api, 73 * hour);
    await deliverBy(api, transport);
    expect(textOf(linesOf(api)).match(/was given up at attempt 3/g)).toHaveLength(5);
    expect(await api.database.mail.count()).toBe(0);
  });

  it('leaves no link behind when its template fails', async () => {
    const api = await startApi();
    const templates = await brokenTemplates();
    await api.signUp('ada@example.com');
    await deliverBy(api, { send: async () => {} }, { templates });
    expect(linesOf(api)).toEqual([
      expect.stringMatching(
        /^Mail \d+ \(verify-email, user \d+\), attempt 1 failed: its template fails \(RangeError\)\.$/,
      ),
    ]);
    expect(await countLinks(api)).toBe(0);
    pass(api, 13_000);
    expect(await deliverMail(api)).toMatchObject([{ to: 'ada@example.com' }]);
  });

  it('does not hold up those that are sent beside a slow one', async () => {
    const api = await startApi();
    const recipients = Array.from({ length: 12 }, (_, n) => `user${n}@example.com`);
    for (const recipient of recipients) {
      await enqueueMail(api.database, { name: 'account-deleted', recipient, userId: null }, api.clock.now);
    }
    const others = Promise.withResolvers<void>();
    const sent: string[] = [];
    await deliverBy(api, {
      async send({ to }) {
        // The first one ends only after all others.
        if (to === recipients[0]) await others.promise;
        sent.push(to);
        if (sent.length === recipients.length - 1) others.resolve();
      },
    });
    expect(sent.at(-1)).toBe(recipients[0]);
    expect(sent.sort()).toEqual(recipients.sort());
  });
});

describe('mail about the security of an account', () => {
  it.each([
    'reset-password',
    'confirm-email-change',
    'email-change-requested',
    'email-changed',
    'password-changed',
    'account-deleted',
  ] as const)('is sent before other mail that waits for longer: %s', async (name) => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    await deliverMail(api);
    const { id: userId } = await api.database.user.findFirstOrThrow();
    for (let n = 0; n < 20; n += 1) {
      const recipient = `user${n}@example.com`;
      await enqueueMail(api.database, { name: 'email-taken', recipient, userId: null }, api.clock.now);
    }
    pass(api, 1_000);
    await enqueueMail(api.database, { name, recipient: 'ada@example.com', userId }, api.clock.now);
    const sent: string[] = [];
    const firstFive = Promise.withResolvers<void>();
    // Five are sent at once. None of them ends before the fifth has begun, so that no later mail overtakes one.
    const send = ({ name: sentName }: Message) => {
      if (sent.push(sentName) === 5) firstFive.resolve();
      return firstFive.promise;
    };
    await deliverBy(api, { send });
    expect(sent).toHaveLength(21);
    expect(sent.indexOf(name)).toBeLessThan(5);
  });
});

describe('outage of the mail server', () => {
  it('is reported once, then once a minute with the number of attempts, and its end too', async () => {
    const api = await startApi();
    const log = logOf(api);
    for (let n = 0; n < 10; n += 1) {
      const recipient = `user${n}@example.com`;
      await enqueueMail(api.database, { name: 'account-deleted', recipient, userId: null }, api.clock.now);
    }
    let isDown = true;
    const transport = {
      async send({ to }: Message) {
        if (isDown) throw Object.assign(new Error(`no route for ${to}`), { code: 'ECONNECTION', command: 'CONN' });
      },
    };
    await deliverBy(api, transport, { log });
    expect(linesOf(api)).toEqual([
      expect.stringMatching(
        /^No mail can be sent: ECONNECTION\. Mail \d+ \(account-deleted, user none\), attempt 1 failed\. The server tries again\.$/,
      ),
    ]);
    pass(api, 59_000);
    await deliverBy(api, transport, { log });
    expect(linesOf(api)).toEqual([]);
    pass(api, 61_000);
    await deliverBy(api, transport, { log });
    expect(linesOf(api)).toEqual([
      expect.stringMatching(/^Still no mail can be sent: ECONNECTION\. 21 attempts failed since 20[^@]*Z\.$/),
    ]);
    isDown = false;
    pass(api, hour);
    await deliverBy(api, transport, { log });
    expect(linesOf(api)).toEqual([
      expect.stringMatching(/^Mail can be sent again\. 30 attempts failed since 20[^@]*Z\.$/),
    ]);
    expect(await api.database.mail.count()).toBe(0);
  });

  it('is no refusal of single recipients: each of those is reported', async () => {
    const api = await startApi();
    for (const recipient of ['ada@example.com', 'bob@example.com']) {
      await enqueueMail(api.database, { name: 'account-deleted', recipient, userId: null }, api.clock.now);
    }
    const send = async () => {
      const refusal = {
        code: 'EENVELOPE',
        command: 'RCPT TO',
        responseCode: 451,
        response: '451 not now, ada@example.com',
      };
      throw Object.assign(new Error(refusal.response), refusal);
    };
    await deliverBy(api, { send });
    const lines = linesOf(api);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^Mail \d+ .*, attempt 1 failed: EENVELOPE 451\.$/);
  });
});

describe('SMTP', () => {
  async function enqueued(...recipients: string[]) {
    const api = await startApi();
    for (const recipient of recipients) {
      await enqueueMail(api.database, { name: 'account-deleted', recipient, userId: null }, api.clock.now);
    }
    return api;
  }

  it('delivers both forms, from the sender, once', async () => {
    const smtp = await startSmtp();
    const api = await enqueued('ada@example.com');
    const transport = openMailTransport({ ...policy, smtpUrl: smtp.url });
    await deliverBy(api, transport);
    transport.close();
    expect(smtp.messages).toHaveLength(1);
    const [message = ''] = smtp.messages;
    expect(message).toMatch(/^From: Example <accounts@example\.com>$/m);
    expect(message).toMatch(/^To: ada@example\.com$/m);
    expect(message).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(message).toMatch(/^Message-ID: <\d+\.\d+@example\.com>$/m);
    expect(message).toMatch(/^Content-Type: multipart\/alternative/m);
    expect(message).not.toMatch(/^X-Mailer/m);
  });

  it('repeats a mail if the server is busy, and gives it up for an unknown recipient', async () => {
    let isBusy = true;
    const smtp = await startSmtp({
      onRecipient: (address) => {
        if (address.startsWith('nobody')) return { message: `no ${address} here`, responseCode: 550 };
        return isBusy ? { message: 'come back later', responseCode: 451 } : null;
      },
    });
    const api = await enqueued('ada@example.com', 'nobody@example.com');
    const transport = openMailTransport({ ...policy, smtpUrl: smtp.url });
    await deliverBy(api, transport);
    expect(await api.database.mail.findMany()).toMatchObject([{ recipient: 'ada@example.com', attempts: 1 }]);
    expect(String(api.reported)).toMatch(/account-deleted, user none\) was given up at attempt 1: EENVELOPE 550/);
    expect(String(api.reported)).not.toContain('nobody@');
    isBusy = false;
    pass(api, 20_000);
    await deliverBy(api, transport);
    transport.close();
    expect(smtp.messages).toHaveLength(1);
    expect(await api.database.mail.count()).toBe(0);
  });

  it('waits if the server refuses the sender, or their permission', async () => {
    const refusals = [
      { onSender: () => ({ message: 'who are you', responseCode: 550 }) },
      { onRecipient: () => ({ message: '5.7.1 relaying denied', responseCode: 550 }) },
    ];
    for (const refusal of refusals) {
      const smtp = await startSmtp(refusal);
      const api = await enqueued('ada@example.com');
      const transport = openMailTransport({ ...policy, smtpUrl: smtp.url });
      await deliverBy(api, transport);
      transport.close();
      expect(await api.database.mail.findMany()).toMatchObject([{ attempts: 1 }]);
      expect(linesOf(api)).toEqual([expect.stringMatching(/EENVELOPE 550/)]);
    }
  });

  it('sends encrypted or not at all, except on this machine', async () => {
    const smtp = await startSmtp();
    const api = await enqueued('ada@example.com');
    const { port } = new URL(smtp.url);
    // Another, unknown name of this machine.
    const transport = openMailTransport({ ...policy, smtpUrl: `smtp://[::ffff:127.0.0.1]:${port}` });
    await deliverBy(api, transport);
    transport.close();
    expect(smtp.messages).toEqual([]);
    expect(await api.database.mail.count()).toBe(1);
    const told = openMailTransport({ ...policy, smtpUrl: `smtp://[::ffff:127.0.0.1]:${port}?ignoreTLS=true` });
    pass(api, 20_000);
    await deliverBy(api, told);
    told.close();
    expect(smtp.messages).toHaveLength(1);
  });

  it('sends each mail once with two workers on one database', async () => {
    const smtp = await startSmtp({ onData: () => sleep(20) });
    const api = await startApi();
    const recipients = Array.from({ length: 30 }, (_, n) => `user${n}@example.com`);
    const workers = [1, 2].map(() => openMailTransport({ ...policy, smtpUrl: smtp.url }));
    const render = await readTemplates(null);
    const clock = { now: () => new Date(), stop: () => {} };
    const report = (error: unknown) => api.reported.push(error);
    const { database } = api;
    const deliveries = workers.map((transport) =>
      startDelivery({ database, transport, render, appUrl: policy.appUrl, clock, encryptionKeys: null, report }),
    );
    for (const recipient of recipients) {
      await enqueueMail(database, { name: 'account-deleted', recipient, userId: null }, new Date());
    }
    while ((await database.mail.count()) > 0) await sleep(50);
    await Promise.all(deliveries.map((delivery) => delivery.stop()));
    const to = smtp.messages.map((message) => /^To: (.*)$/m.exec(message)?.[1]?.trim());
    expect(to.sort()).toEqual(recipients.sort());
    expect(api.reported).toEqual([]);
  });
});

describe('mail of a server', () => {
  it('is written to complete files, which only their owner can read and which are named for the time', async () => {
    const api = await startApi();
    const folder = join(await temporaryFolder(), 'mail');
    await api.signUp('ada@example.com');
    await deliverBy(api, openMailTransport({ ...policy, folder }));
    const files = await readdir(folder);
    expect(files).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d-]+\.\d{3}Z verify-email \d+\.\d+\.eml$/)]);
    const file = join(folder, files[0] ?? '');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readFile(file, 'utf8')).toMatch(/^http:\S+#token=[0-9a-f]{32}\.[\w-]{43}$/m);
  });

  it('shows each line whole in a text editor, except one that is too long for a message', async () => {
    const folder = join(await temporaryFolder(), 'mail');
    const { send } = openMailTransport({ ...policy, folder });
    const longest = `http://ada.example/#token=${'é'.repeat(486)}`;
    const message = { id: '1', name: 'verify-email', to: 'ada@example.com', subject: 'A', date: new Date(0) } as const;
    await send({ ...message, text: `${longest}\n`, html: `<p>\r\n${longest}\r\n</p>` });
    await send({ ...message, id: '2', text: `${longest}!`, html: '\0' });
    const [whole = '', encoded = ''] = await Promise.all(
      (await readdir(folder)).sort().map((file) => readFile(join(folder, file), 'utf8')),
    );
    expect(whole.split('\n').filter((line) => line === longest)).toHaveLength(2);
    expect(whole.match(/^Content-Transfer-Encoding: .*$/gm)).toEqual(Array(3).fill('Content-Transfer-Encoding: 8bit'));
    expect(whole.match(/^Content-Type: text\/.*$/gm)).toEqual([
      'Content-Type: text/plain; charset=utf-8',
      'Content-Type: text/html; charset=utf-8',
    ]);
    for (const line of encoded.split('\n')) expect(line).toMatch(/^[\x20-\x7e]{0,76}$/);
  });

  it('is not lost when the server is killed during delivery', { tags: ['slow/durability'] }, async () => {
    let isHanging = true;
    const reached = Promise.withResolvers<void>();
    const smtp = await startSmtp({
      onData: async () => {
        reached.resolve();
        if (isHanging) await sleep(60_000, undefined, { ref: false });
      },
    });
    const api = await startApi();
    await api.database.$disconnect();
    const env = { SMTP_URL: smtp.url, MAIL_FROM: 'accounts@example.com' };
    const first = await startServer(api.url, env);
    const query = `mutation { signUp(email: "ada@example.com", password: "correct horse battery staple") { __typename } }`;
    await fetch(first.address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    await reached.promise;
    first.child.kill('SIGKILL');
    await first.ended;
    expect(smtp.messages).toEqual([]);
    isHanging = false;
    const second = await startServer(api.url, env);
    while (smtp.messages.length === 0) await sleep(200);
    expect(smtp.messages[0]).toMatch(/^To: ada@example\.com$/m);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
  });
});

describe('mail folder', () => {
  it('keeps the mail waiting while it is not writable', async () => {
    const api = await startApi();
    const folder = join(await temporaryFolder(), 'in-the-way');
    await writeFile(folder, '');
    await api.signUp('ada@example.com');
    await deliverBy(api, openMailTransport({ ...policy, folder: join(folder, 'mail') }));
    expect(await api.database.mail.count()).toBe(1);
    await mkdir(join(folder, '..', 'mail'));
    pass(api, 20_000);
    await deliverBy(api, openMailTransport({ ...policy, folder: join(folder, '..', 'mail') }));
    expect(await api.database.mail.count()).toBe(0);
  });
});
