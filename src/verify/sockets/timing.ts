/** The times of all watches, in milliseconds. Tests shorten them. */
export const timing = {
  /** The time until the first message of a stream. */
  maxOpeningMs: 10_000,
  /** The time without any byte after which a connection counts as broken. The server sends a comment every 12 s. */
  maxSilenceMs: 30_000,
  /** The range of the maximum delay before a connection. It doubles with each failure, and the delay is random. */
  minBackoffMs: 250,
  maxBackoffMs: 5_000,
  /** A connection that ends sooner counts as a failure, so that it delays the next one. */
  minConnectionMs: 5_000,
  /** The time after `expiresAt` at which a session is verified again. The claim `exp` has lost a part of a second. */
  expiryMarginMs: 1_000,
  /** The time after which a session without a user is verified again: the log of events has no end of it. */
  visitorCheckMs: 300_000,
  /** The time for a client of ws to answer a close. ws itself waits for 30 seconds. */
  maxClosingMs: 1_000,
  /** The delay before a verification is repeated that had no verdict. */
  retryMs: 1_000,
};
