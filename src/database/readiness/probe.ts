/** Questions about an open database that tell whether it can be used. Each database answers them in its own way. */
export type DatabaseProbe = {
  /**
   * Reads whether the database has a migration. Waits for no writer.
   *
   * @throws the error of the database if it cannot be read, or is a standby
   */
  isMigrated(newest: string): Promise<boolean>;
  /**
   * Writes the one row that is kept for this, as far as to the disk. Nothing accumulates, and no lock is kept.
   *
   * @throws the error of the database if a write would fail
   */
  write(): Promise<void>;
  /** Returns how far the ids of each table are used. */
  idUsage(): Promise<IdUsage[]>;
};

/** The last id that was given out for a table, and the largest that its column and its sequence hold. */
export type IdUsage = { table: string; last: bigint; largest: bigint };

export type HasProbe = { $probe: DatabaseProbe };

/** The tables whose rows get their ids from the database. */
export const tablesWithIds = [
  'User',
  'Session',
  'AuditEvent',
  'UserToken',
  'Mail',
  'ServiceClient',
  'Webhook',
  'WebhookDelivery',
  'Revocation',
  'AccountChange',
  'Challenge',
  'AuthenticatorApp',
  'RecoveryCode',
  'Passkey',
  'FactorReset',
] as const;

/** The name of the row that is written, in ClockReading. */
export const probeRow = 'write-probe';
