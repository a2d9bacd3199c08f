/** The parts of an error in the log. An error may have further properties, which may repeat addresses and values. */
export type ErrorDescription = {
  type: string;
  message: string;
  /** The code of the system, of Prisma or of the database. */
  code?: string;
  stack?: string;
  cause?: ErrorDescription;
};

/** More causes than errors have, so that a cycle ends. */
const maxCauses = 4;

/** Returns the parts of a thrown value for the log. */
export function describeError(error: unknown, causesLeft = maxCauses): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && causesLeft > 0 && { cause: describeError(cause, causesLeft - 1) }),
  };
}
