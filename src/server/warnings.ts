import { BlockList, isIP } from 'node:net';
import type { Config } from '../config/config.ts';
import { OperatorNotice } from '../errors.ts';
import type { Observer } from '../http/messages.ts';
import { isProbe } from '../http/routes/probes.ts';
import { type MemoryLimits, memoryProblems, readMemoryLimits } from './memory.ts';

type Report = (error: unknown) => void;

/**
 * Warns about settings that are valid, but seldom meant together or in production, and about too little memory for them.
 */
export function warnAboutSettings(config: Config, report: Report, memory: MemoryLimits = readMemoryLimits()): void {
  const { isProduction, mail, federation, trustedDocuments } = config;
  if (federation && trustedDocuments?.mode === 'only') {
    warn(
      report,
      'FEDERATION is true, and TRUSTED_DOCUMENTS_MODE is only: gateways write documents of their own, and this server ' +
        'refuses these. Trust documents in the gateway instead.',
    );
  }
  if (!isProduction) return;
  if (mail.smtpUrl === null) {
    warn(report, `SMTP_URL is not set: mail is written to files in ${mail.folder}, and nobody receives it.`);
  }
  for (const problem of memoryProblems(config, memory)) warn(report, problem);
}

/** Enough requests for different clients to have been among them. */
const requestsFromOneAddress = 1_000;

const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addAddress('::1', 'ipv6');

const ignoreAnswer = () => {};

/**
 * Returns an observer that warns once if the first requests all come from one private address, although no proxy is
 * trusted: they share the limits of that address. It may also be a backend that is the only client, so this is no
 * error. Probes do not count. Undefined if nothing has to be observed.
 */
export function watchForProxy({ isProduction, trustedProxies }: Config, report: Report): Observer | undefined {
  if (!isProduction || trustedProxies.networks.rules.length > 0) return undefined;
  let only: string | null = null;
  let count = 0;
  let isDone = false;
  return ({ peer, target }) => {
    if (isDone || peer === null || isProbe(target)) return ignoreAnswer;
    only ??= peer;
    isDone = peer !== only || !isPrivate(peer);
    count += 1;
    if (isDone || count < requestsFromOneAddress) return ignoreAnswer;
    isDone = true;
    warn(
      report,
      `All of the first ${count} requests came from ${peer}. If this is a proxy, set TRUSTED_PROXIES: until then, all ` +
        'clients share the rate limits of its address.',
    );
    return ignoreAnswer;
  };
}

function isPrivate(address: string): boolean {
  return privateNetworks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

function warn(report: Report, message: string): void {
  report(new OperatorNotice('warning', message));
}
