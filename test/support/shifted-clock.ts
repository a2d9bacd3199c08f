/**
 * Shifts the clock of a program by `CLOCK_SHIFT_MS` milliseconds, for machines without `faketime`. Load it with
 * `--import`, before the program.
 */
// biome-ignore lint/style/noProcessEnv: this is a tool of the tests
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...values: unknown[]) {
    if (values.length === 0) super(RealDate.now() + shiftMs);
    // Other arguments of Date stay as they are.
    else super(...(values as [number]));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
