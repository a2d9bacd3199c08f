/**
 * Loaded before a program, shifts its clock by so many milliseconds, for machines without `faketime`.
 * `--import` takes it; `CLOCK_SHIFT_MS` says how far.
 */
// biome-ignore lint/style/noProcessEnv: this is a tool of the tests
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...values: unknown[]) {
    if (values.length === 0) super(RealDate.now() + shiftMs);
    // Whatever else a Date is made of goes on as it is.
    else super(...(values as [number]));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
