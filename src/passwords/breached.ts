import { createHash } from 'node:crypto';

/** The time that a user who chooses a password waits for the service, in milliseconds. */
const timeoutMs = 1_000;
const reportEveryMs = 60_000;

/** In characters. Several times as long as the largest range with padding. */
const maxAnswerLength = 1_000_000;

let reportedAt = Number.NEGATIVE_INFINITY;

/**
 * Returns whether a range service knows a password from a breach (k-anonymity). The service gets the first five hex
 * digits of the SHA-1, and answers with all suffixes of that range, as lines of `SUFFIX:COUNT`. It learns neither the
 * password nor whether its list has it: padding, which is lines with a count of 0, makes all answers look alike.
 *
 * Returns false if the service does not answer in time or at all, and warns at most once a minute.
 *
 * @param rangeUrl - the URL to which the five digits are added
 */
export async function isBreached(password: string, rangeUrl: URL): Promise<boolean> {
  const digest = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase();
  const [prefix, suffix] = [digest.slice(0, 5), digest.slice(5)];
  try {
    const lines = await readRange(rangeUrl, prefix);
    return lines.some((line) => {
      const [known, count] = line.trim().split(':');
      return known?.toUpperCase() === suffix && Number(count) > 0;
    });
  } catch (error) {
    warn(rangeUrl, error);
    return false;
  }
}

async function readRange(rangeUrl: URL, prefix: string): Promise<string[]> {
  const url = new URL(rangeUrl);
  url.pathname += prefix;
  const response = await fetch(url, {
    headers: { 'add-padding': 'true' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxAnswerLength) throw new Error('its answer has no end');
  }
  return text.split('\n');
}

function warn(rangeUrl: URL, error: unknown): void {
  const now = performance.now();
  if (now - reportedAt < reportEveryMs) return;
  reportedAt = now;
  const { message, cause } = error as Error;
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  process.emitWarning(
    `PASSWORD_RANGE_URL names ${rangeUrl.host}, which does not answer (${reason}). The server accepts new passwords without it.`,
  );
}
