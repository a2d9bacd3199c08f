/** The log of the server: one line for each fact, as JSON for programs or as text for people. */
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { describeError } from './error.ts';
import { toText } from './text.ts';

export const logLevels = ['info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFormat = 'json' | 'text';

/** Facts beside the message. Never a secret, a query, a variable or an email address. */
export type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** The only way in which the rest of the server writes lines. */
export type Log = {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  /** Writes a failure and, if there is one, its error with the stack and the causes. */
  error(message: string, error?: unknown): void;
  /** Announces a fact about the start or the end, such as the address of the server. People read it without a time. */
  announce(topic: string, value: string): void;
  /** Tells why the process cannot run, in a sentence for the operator. */
  fail(sentence: string): void;
  /** Returns whether lines of a level are written, for callers to whom making a line has a cost. */
  writes(level: 'info' | 'warn'): boolean;
  /** Writes a line that its caller has made: a JSON object with level and time, that ends with a line break. */
  writeLine(json: string): void;
  /** Resolves when everything is written, or after a second if nobody reads it. */
  flush(): Promise<void>;
};

/** The destination of finished lines. */
export type Sink = {
  write(line: string): void;
  flush(done: () => void): void;
};

/**
 * The maximum number of characters that wait for a slow reader of the output. Further lines are dropped: a server must
 * not stop because nobody reads its log.
 */
const maxWaiting = 8 * 1024 * 1024;

const flushTimeoutMs = 1_000;

/** Opens the log on the standard output. */
export function openLog(level: LogLevel, format: LogFormat): Log {
  return createLog(level, format === 'json' ? openOutput() : textOutput());
}

/** Returns a log that writes to a sink, one JSON object a line. */
export function createLog(level: LogLevel, sink: Sink): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  return {
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, error) => logger.error(error === undefined ? {} : { error: describeError(error) }, message),
    announce: (topic, value) => logger.info({ announced: value }, topic),
    fail: (sentence) => logger.fatal({ announced: sentence }, 'Failed'),
    writes: (name) => logger.isLevelEnabled(name),
    writeLine: (json) => sink.write(json),
    flush: () => Promise.race([sleep(flushTimeoutMs), new Promise<void>((resolve) => sink.flush(resolve))]),
  };
}

/**
 * Returns the standard output. Lines are collected while a write is in progress, so that one system call writes many.
 * Tells how many lines were lost, once there is room again.
 */
function openOutput(): Sink {
  // With a minimum length of 0, `flush` would not wait for the write in progress.
  const output = pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: maxWaiting });
  // The reader has ended (EPIPE). There is nobody to tell.
  output.on('error', () => {});
  let lost = 0;
  output.on('drop', () => {
    lost += 1;
  });
  output.on('drain', () => {
    if (lost === 0) return;
    const time = new Date().toISOString();
    output.write(`{"level":"warn","time":"${time}","lines":${lost},"msg":"Lost lines"}\n`);
    lost = 0;
  });
  return {
    write: (line) => void output.write(line),
    flush: (done) => output.flush(() => done()),
  };
}

/**
 * Returns the standard output and, for errors, the standard error, in words for people. Lines that a slow reader has no
 * room for are lost.
 */
function textOutput(): Sink {
  return {
    write(line) {
      const { text, isError } = toText(line);
      const stream = isError ? process.stderr : process.stdout;
      if (stream.writableLength < maxWaiting) stream.write(text);
    },
    // What is written to a terminal, a pipe or a file on POSIX is written at once.
    flush: (done) => process.stdout.write('', () => done()),
  };
}
