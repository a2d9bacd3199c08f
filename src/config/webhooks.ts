import type { BlockList } from 'node:net';
import { networks } from './networks.ts';
import type { Environment } from './variables.ts';

/** The places to which webhooks may lead. */
export type WebhookPolicy = {
  /** The addresses beside the public ones. There, http is allowed too. */
  privateNetworks: BlockList;
};

/** Reads `WEBHOOK_PRIVATE_NETWORKS`. @throws SettingError */
export function readWebhookPolicy(environment: Environment): WebhookPolicy {
  return { privateNetworks: networks(environment, 'WEBHOOK_PRIVATE_NETWORKS') };
}
