/** The reasons why streams end, with their descriptions in the metrics. */
export const streamEnds = {
  CLIENT_LEFT: 'The client closed the stream, or its connection broke.',
  SESSION_ENDED: 'The session of the stream ended.',
  ACCESS_LOST: 'The user lost the role of administrator, or the service its scope.',
  CREDENTIAL_REPLACED: 'The session has a new token, or the service a new secret.',
  SLOW_CONSUMER: 'The client read too slowly.',
  DRAINED: 'The server stops.',
  FAILED: 'An unexpected error.',
} as const;

export type StreamEnd = keyof typeof streamEnds;

/** Returns whether the client can subscribe again at once. Its connection is closed without a completion. */
export function mayReconnect(end: StreamEnd): boolean {
  return end === 'DRAINED' || end === 'CREDENTIAL_REPLACED';
}

/** The ways in which streams reach their clients. */
export type StreamTransport = 'sse' | 'websocket';
