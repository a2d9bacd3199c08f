import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MailPolicy } from '../config/config.ts';
import { asWritten } from './body.ts';
import type { MailTransport, Message } from './message.ts';

/** In milliseconds. Their sum is shorter than the lease under which mail is sent. */
const timeouts = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000 };

/** The maximum number of messages that are sent at once. */
export const maxAtOnce = 5;

/** A mail's content must not make nodemailer read files of this machine or fetch URLs. */
const noExternalContent = { disableFileAccess: true, disableUrlAccess: true };

/** Opens the SMTP server or, if none is configured, the folder. */
export function openMailTransport(policy: MailPolicy): MailTransport {
  return policy.smtpUrl === null ? folderTransport(policy) : smtpTransport(policy.smtpUrl, policy);
}

/** The library costs time and memory only when there is mail to send, not at the start of the server. */
const library = () => import('nodemailer');

function smtpTransport(smtpUrl: string, policy: MailPolicy): MailTransport {
  const url = withTlsRequired(smtpUrl);
  const pool = { pool: true, maxConnections: maxAtOnce } as const;
  const open = async () => (await library()).createTransport({ url, ...pool, ...timeouts, ...noExternalContent });
  let opened: ReturnType<typeof open> | undefined;
  return {
    async send(message) {
      opened ??= open();
      await (await opened).sendMail(compose(message, policy));
    },
    close: async () => (await opened)?.close(),
  };
}

/**
 * Requires TLS, because links give access to accounts. Exceptions: the URL says otherwise, or the server is on this
 * machine.
 */
function withTlsRequired(smtpUrl: string): string {
  const url = new URL(smtpUrl);
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  const isExplicit = url.searchParams.has('requireTLS') || url.searchParams.has('ignoreTLS');
  if (!isLocal && !isExplicit) url.searchParams.set('requireTLS', 'true');
  return url.href;
}

/**
 * Returns a transport that writes each message to its own file, which appears complete or not at all. Names sort by
 * time. A text editor shows the links whole.
 */
function folderTransport(policy: MailPolicy): MailTransport {
  return {
    async send(message) {
      const { createTransport } = await library();
      const transport = createTransport({ streamTransport: true, buffer: true, newline: 'unix', ...noExternalContent });
      const mail = compose(message, policy);
      const { message: content } = await transport.sendMail({
        ...mail,
        text: asWritten('plain', message.text),
        html: asWritten('html', message.html),
        // RFC 2045 section 6.4: a multipart that contains 8bit says so.
        headers: { ...mail.headers, 'Content-Transfer-Encoding': '8bit' },
      });
      await mkdir(policy.folder, { recursive: true, mode: 0o700 });
      const time = message.date.toISOString().replaceAll(':', '-');
      const file = join(policy.folder, `${time} ${message.name} ${message.id}`);
      await writeFile(`${file}.part`, content, { mode: 0o600 });
      await rename(`${file}.part`, `${file}.eml`);
    },
    async close() {},
  };
}

function compose({ id, to, subject, text, html, date }: Message, { from }: MailPolicy) {
  const domain = from.replace(/^.*@|>$/g, '');
  // As objects, addresses are taken literally: one that looks like a list is not parsed as a list.
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    date,
    messageId: `<${id}@${domain}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
    xMailer: false,
  } as const;
}
