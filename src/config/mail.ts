import { isUnambiguous } from '../database/url.ts';
import { withoutCredentials } from './inspect/recording.ts';
import { type Environment, invalid, origin, percentEncoding, read, recordingOf, text } from './variables.ts';

/** The transport, the sender and the templates of mail. */
export type MailPolicy = {
  /**
   * The SMTP server with its credentials, such as `smtps://user:password@mail.example.com`. Null writes mail to
   * `folder`.
   */
  smtpUrl: string | null;
  /** The folder for mail as `.eml` files, used if there is no SMTP server. */
  folder: string;
  /** The sender, as an address or as `Name <address>`. */
  from: string;
  /** A folder with templates that override those of the server. Null if there is none. */
  templates: string | null;
  /** The origin of the application's pages, to which the links in mails lead: scheme, host and port. */
  appUrl: URL;
};

export function readMailPolicy(environment: Environment, publicUrl: URL): MailPolicy {
  const smtpUrl = read(environment, 'SMTP_URL') ?? null;
  // The message does not repeat the value, because it may contain a password.
  if (smtpUrl !== null && !isSmtp(smtpUrl)) {
    throw invalid(
      'SMTP_URL',
      '…',
      `must be smtp://user:password@host:587 or smtps://user:password@host, ${percentEncoding}`,
    );
  }
  if (smtpUrl !== null) recordingOf(environment)?.notePublicPart('SMTP_URL', withoutCredentials(smtpUrl));
  return {
    smtpUrl,
    folder: text(environment, 'MAIL_FOLDER', 'data/mail'),
    from: sender(text(environment, 'MAIL_FROM', `accounts@${publicUrl.hostname}`)),
    templates: read(environment, 'MAIL_TEMPLATES') ?? null,
    appUrl: origin(environment, 'APP_URL', publicUrl.origin),
  };
}

/** An empty password is a mistake: one that begins with `@`, which is not percent-encoded, would become the host. */
function isSmtp(value: string): boolean {
  const url = URL.parse(value);
  if (/^\w+:\/\/[^@/?#]*:@/.test(value)) return false;
  return url !== null && /^smtps?:$/.test(url.protocol) && /^\/?$/.test(url.pathname) && isUnambiguous(value);
}

function sender(value: string): string {
  if (/^(?:[^<>\r\n]{1,100} <[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/.test(value)) return value;
  throw invalid('MAIL_FROM', value, 'must be an address, or a name and an address: Example <accounts@example.com>');
}
