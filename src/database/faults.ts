/** The ways in which a database fails as a whole, so that the same request may well succeed later. */

export type Fault =
  | 'lost'
  | 'unreachable'
  | 'locked'
  | 'full'
  | 'read-only'
  | 'standby'
  | 'damaged'
  | 'disk'
  | 'missing'
  | 'exhausted';

/** The code of errors because the files of the database were removed or replaced while they were open. */
export const lostCode = 'DATABASE_FILE_LOST';

/**
 * Each fault in general words, as anybody may read them, and the sentence for the operator: what is wrong, and what to
 * do if that is not obvious.
 */
export const faultTexts: Record<Fault, { state: string; report: string }> = {
  lost: {
    state: 'the database file was removed or replaced',
    report: 'The database file was removed or replaced',
  },
  unreachable: { state: 'the database does not answer', report: 'The database does not answer' },
  locked: { state: 'the database is locked', report: 'The database is locked by another program or command' },
  full: {
    state: 'the disk of the database is full',
    report: 'The disk of the database is full. Writes fail until there is room; reads go on',
  },
  'read-only': {
    state: 'the database is read-only',
    report: 'The database is read-only. Reads go on, and writes fail until it can be written to',
  },
  standby: {
    state: 'the database is a standby',
    report: 'The database is a standby. DATABASE_URL has to lead to the primary: see docs/production.md',
  },
  damaged: {
    state: 'the database is damaged',
    report:
      'The database is damaged, or its disk cannot be read. Check the disk, then stop the server and restore a backup, as ' +
      'docs/backup.md describes',
  },
  disk: {
    state: 'the disk of the database fails',
    report: 'The disk of the database fails. Check the disk, and whether its file system is read-only',
  },
  missing: {
    state: 'a table of the database is missing',
    report: 'A table or the whole database is missing. Restore a backup, as docs/backup.md describes',
  },
  exhausted: {
    state: 'the ids of the database are used up',
    report: 'The ids of a table are used up. Run widen-ids, as docs/production.md describes',
  },
};
