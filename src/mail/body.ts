/** In bytes: the maximum length of a line of a message (RFC 5322 section 2.1.1). */
const maxLineBytes = 998;

/**
 * Returns a body for nodemailer, encoded as 8bit (RFC 2045 section 2.8), so that its lines are stored as they are.
 * nodemailer encodes all lines above 76 characters as quoted-printable, which breaks and escapes links. A body that
 * 8bit does not allow, because of a longer line or a control character, is returned for nodemailer to encode.
 */
export function asWritten(subtype: 'plain' | 'html', body: string): string | { raw: string } {
  const lines = body.split(/\r?\n/);
  const isAllowed = lines.every((line) => Buffer.byteLength(line) <= maxLineBytes && !/[\0\r]/.test(line));
  if (!isAllowed) return body;
  const headers = [`Content-Type: text/${subtype}; charset=utf-8`, 'Content-Transfer-Encoding: 8bit'];
  return { raw: [...headers, '', ...lines].join('\r\n') };
}
