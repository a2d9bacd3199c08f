import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/streams/turns.ts';

describe('the turns of streams', () => {
  it('are four at once for a user, and others do not wait', async () => {
    const turns = new Turns();
    const ends = await Promise.all([1, 2, 3, 4].map(() => turns.enter(1n)));
    const order: string[] = [];
    const fifth = turns.enter(1n).then((end) => {
      order.push('fifth');
      return end;
    });
    for (const userId of [2n, null]) (await turns.enter(userId))();
    order.push('others');
    for (const end of ends) end();
    (await fifth)();
    expect(order).toEqual(['others', 'fifth']);
    expect(await Promise.all([1, 2, 3, 4].map(() => turns.enter(1n)))).toHaveLength(4);
  });
});
