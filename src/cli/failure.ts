/** Exit codes: 0 done, 1 refused or failed, 2 invalid usage. */
export const exitCodes = { failed: 1, usage: 2 };
