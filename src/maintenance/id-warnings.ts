import type { Database } from '../database/database.ts';
import { scarceIds } from '../database/readiness/ids.ts';
import { OperatorNotice } from '../errors.ts';

/**
 * Returns a function that warns the operator when most ids of a table are used: once, and then again with each further
 * percent.
 */
export function idWarnings(report: (error: unknown) => void): (database: Database) => Promise<void> {
  const warned = new Map<string, bigint>();
  return async (database) => {
    for (const { table, percent, remaining } of scarceIds(await database.$probe.idUsage())) {
      if ((warned.get(table) ?? -1n) >= percent) continue;
      warned.set(table, percent);
      const message =
        `${percent} % of the ids of ${table} are used, and ${remaining} are left. Without any, no row can be added, ` +
        'so that logins fail. Ids of 32 bits become 64 by "graphql-sessions widen-ids": see docs/production.md.';
      report(new OperatorNotice('warning', message));
    }
  };
}
