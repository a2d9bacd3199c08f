import { Gauge, Histogram } from '@prometheus-io/client';
import { endAll, endedStreams, openedStreams, streamDeliveries } from '../../../diagnostics.ts';
import { streamEnds } from '../../../streams/end.ts';
import { addCounter, fullName, type Registers } from '../series.ts';

/** Counts the live streams of this process. Returns a function that ends this. */
export function countStreams(registers: Registers): () => void {
  const open = new Gauge({
    name: fullName('streams_open'),
    help: 'Open subscriptions at this server, by transport.',
    labelNames: ['transport'] as const,
    registers,
  });
  for (const transport of ['sse', 'websocket']) open.set({ transport }, 0);
  const ended = addCounter(registers, {
    name: 'streams_ended_total',
    help: 'Subscriptions that ended at this server, by reason.',
    labels: ['reason'],
  });
  // A counter that appears with its first increment has no increase until the second.
  for (const reason of Object.keys(streamEnds)) ended.inc({ reason }, 0);
  const delays = new Histogram({
    name: fullName('stream_delivery_seconds'),
    help: 'The time from an event to its delivery in a stream, without the way to the client.',
    buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  return endAll([
    openedStreams.subscribe(({ transport }) => open.inc({ transport })),
    endedStreams.subscribe(({ transport, reason }) => {
      open.dec({ transport });
      ended.inc({ reason });
    }),
    streamDeliveries.subscribe(({ ms }) => delays.observe(ms / 1_000)),
  ]);
}
