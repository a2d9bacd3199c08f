import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTime } from '../../src/blitz/adopt/time.ts';

describe('time in text', () => {
  it.each([
    ['2020-07-04 18:12:58', '2020-07-04T18:12:58.000Z'],
    ['2020-07-04T18:12:58Z', '2020-07-04T18:12:58.000Z'],
    ['2020-07-04T18:12:58.1+00:00', '2020-07-04T18:12:58.100Z'],
    ['2099-06-15T13:37:42.1239999+02:00', '2099-06-15T11:37:42.123Z'],
    ['2020-12-31 23:30:00-05:30', '2021-01-01T05:00:00.000Z'],
    ['1969-12-31 23:59:59.999', '1969-12-31T23:59:59.999Z'],
  ])('%s means %s', (text, moment) => {
    expect(parseTime(text)).toBe(Date.parse(moment));
  });

  it.each([
    '',
    'soon',
    '2020-07-04',
    '2020-02-30 00:00:00',
    '2020-07-04 24:00:00',
    '2020-13-01 00:00:00',
    '1593886378',
  ])('%j means null', (text) => {
    expect(parseTime(text)).toBeNull();
  });

  it('is parsed in every format of Date', () => {
    const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z') });
    fc.assert(fc.property(date, (moment) => parseTime(moment.toISOString()) === moment.getTime()));
  });
});
