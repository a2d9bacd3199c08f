import { describe, expect, it, onTestFinished } from 'vitest';
import { createLog } from '../../src/log/log.ts';
import { logReports } from '../../src/monitoring/reports.ts';
import type { Data } from '../support/api.ts';

describe('failures of the database in the log', () => {
  it('are told by their kind, once each, with what to do', () => {
    const lines: Data[] = [];
    const sink = { write: (line: string) => void lines.push(JSON.parse(line)), flush: (done: () => void) => done() };
    const reports = logReports(createLog('info', sink));
    onTestFinished(() => reports.stop());
    const failures: [code: string, message: string][] = [
      ['SQLITE_CORRUPT', 'database disk image is malformed'],
      ['SQLITE_FULL', 'database or disk is full'],
      ['SQLITE_IOERR_READ', 'disk I/O error'],
      ['25006', 'cannot execute INSERT in a read-only transaction'],
      ['25006', '127.0.0.1:5432 is a standby'],
      ['2200H', 'nextval: reached maximum value of sequence'],
    ];
    for (let count = 0; count < 100; count += 1) {
      for (const [code, message] of failures) reports.report(Object.assign(new Error(message), { code }));
    }
    expect(lines.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      expect.stringMatching(
        /^error: The database is damaged, .* stop the server and restore a backup, as docs\/backup\.md/,
      ),
      'error: The disk of the database is full. Writes fail until there is room; reads go on',
      expect.stringMatching(/^error: The disk of the database fails\. Check the disk/),
      expect.stringMatching(/^error: The database is read-only\. Reads go on/),
      expect.stringMatching(/^error: The database is a standby\. DATABASE_URL has to lead to the primary/),
      'error: The ids of a table are used up. Run widen-ids, as docs/production.md describes',
    ]);
  });
});
