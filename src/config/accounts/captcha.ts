import { type Environment, integer } from '../variables.ts';

/** The proof of work that an address with many failed attempts has to bring. */
export type CaptchaPolicy = {
  /** The failed attempts from one address, or one IPv6 network of /64, in 15 minutes without it. 0 never asks for it. */
  after: number;
  /** The iterations of PBKDF2 of one try. A solution takes 256 tries on average. */
  cost: number;
};

/** Reads when a proof of work is asked for, and its cost. @throws SettingError */
export function readCaptchaPolicy(environment: Environment): CaptchaPolicy {
  return {
    after: integer(environment, 'CAPTCHA_AFTER', 20, { min: 0, max: 1_000_000 }),
    cost: integer(environment, 'CAPTCHA_COST', 4_000, { min: 1, max: 1_000_000 }),
  };
}
