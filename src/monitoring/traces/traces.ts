import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tracer } from '@opentelemetry/api';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Config } from '../../config/config.ts';
import type { TracesPolicy } from '../../config/monitoring/traces.ts';
import { isPostgresqlUrl } from '../../database/url.ts';
import { endAll } from '../../diagnostics.ts';
import type { Observer, RunRequest } from '../../http/messages.ts';
import { ExportQueue } from './export-queue.ts';
import { reportLostSpans } from './lost-spans.ts';
import { traceMails, traceSteps } from './operation-spans.ts';
import { type RequestSpan, traceRequests } from './request-spans.ts';
import { openTransport } from './transport.ts';

export type Traces = {
  observe: Observer;
  run: RunRequest;
  /** Sends the spans that wait, for a second at most. */
  stop(): Promise<void>;
};

/** Longer values are cut. Names of operations are the only ones that clients choose. */
const maxValueLength = 256;

/**
 * Opens the traces of a server. Load this module only if traces are on. Nothing global of OpenTelemetry is changed: a
 * program around this server may have its own.
 */
export function openTraces(policy: TracesPolicy, config: Config, report: (error: unknown) => void): Traces {
  const lostSpans = reportLostSpans(policy.url.host, report);
  const queue = new ExportQueue(openTransport(policy), lostSpans.add);
  const tracer = openTracer(policy, queue);
  const current = new AsyncLocalStorage<RequestSpan>();
  const { trustedProxies, publicUrl, databaseUrl } = config;
  const scheme = publicUrl.protocol.slice(0, -1);
  const requests = traceRequests(tracer, current, { trustedProxies, scheme });
  const system = isPostgresqlUrl(databaseUrl) ? 'postgresql' : 'sqlite';
  const end = endAll([traceSteps(tracer, current, system), traceMails(tracer)]);
  return {
    ...requests,
    async stop() {
      end();
      await queue.shutdown();
      lostSpans.tell();
    },
  };
}

function openTracer({ ratio, isParentBased, resource }: TracesPolicy, queue: ExportQueue): Tracer {
  const root = new TraceIdRatioBasedSampler(ratio);
  const provider = new TracerProvider({
    sampler: isParentBased ? new ParentBasedSampler({ root }) : root,
    resource: defaultResource().merge(resourceFromAttributes({ 'service.version': packageJson.version, ...resource })),
    spanProcessors: [queue],
    spanLimits: { attributeValueLengthLimit: maxValueLength },
  });
  return provider.getTracer(packageJson.name, packageJson.version);
}
