/** The interface of a database with standbys. */
import type { Program } from '../../checks/processes.ts';
import type { Machine } from './machines.ts';

export type Cluster = {
  /** The variables in the file haproxy.cfg of its folder. */
  proxySettings: Record<string, string>;
  findPrimary(): Promise<Machine>;
  /** Returns the machine that every commit waits for. */
  findStandby(): Promise<Machine>;
  /** Ends all processes of a machine at once, as if it had lost its power. */
  kill(machine: Machine): Promise<void>;
  /** Stops all processes of a machine, which keep their connections and answer nothing. */
  freeze(machine: Machine): Promise<void>;
  /** Kills Patroni alone. PostgreSQL goes on, and takes itself for the primary. */
  orphan(machine: Machine): Promise<void>;
  /** Resolves when one of the other machines accepts writes. Where nothing promotes one by itself, this does it. */
  promote(dead: Machine): Promise<void>;
  /** Starts a killed machine again, and resolves when it is a standby, and commits wait for a standby. */
  rejoin(machine: Machine): Promise<void>;
};

export type ClusterOptions = {
  /** A copy of the files of the example. */
  folder: string;
  /** True if no commit may do without a standby, also while there is none. */
  isStrict: boolean;
  /** Calls a function when the check has ended. */
  atEnd(end: () => Promise<void>): void;
};

export type ClusterKind = {
  programs: Program[];
  /** The folder in examples/failover whose files it runs. */
  folder: string;
  /** The number of faults of a check. */
  faults: number;
  start(machines: Machine[], options: ClusterOptions): Promise<Cluster>;
};
