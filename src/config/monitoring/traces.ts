import { OperatorError } from '../../errors.ts';
import { type Environment, flag, invalid, read } from '../variables.ts';

/** The receiver of traces over OTLP, and which requests are traced. */
export type TracesPolicy = {
  /** The complete address to which spans are posted. */
  url: URL;
  /** The headers of each post. They may be secrets. */
  headers: Readonly<Record<string, string>>;
  protocol: (typeof protocols)[number];
  /** The time for one batch of spans, with its repetitions. */
  timeoutMs: number;
  isCompressed: boolean;
  /** The share of requests that are traced, from 0 to 1. */
  ratio: number;
  /** True if the decision of a trusted proxy takes precedence over `ratio`. */
  isParentBased: boolean;
  /** The attributes of this server, such as `service.name`. */
  resource: Readonly<Record<string, string>>;
};

const protocols = ['http/protobuf', 'http/json'] as const;
const compressions = ['none', 'gzip'] as const;
const exporters = ['otlp', 'none'] as const;

const timeoutMs = { min: 1, default: 10_000, max: 60_000 };

/** The share of `OTEL_TRACES_SAMPLER`. Null is that of `OTEL_TRACES_SAMPLER_ARG`. */
const samplers = { always_on: 1, always_off: 0, traceidratio: null } as const;
const samplerNames = ['', 'parentbased_'].flatMap((prefix) => Object.keys(samplers).map((name) => prefix + name));

/**
 * Reads the variables of OpenTelemetry that are about traces over OTLP. Null if no endpoint is configured, or if they
 * are turned off: the others then have no effect, because they may be meant for other programs. The libraries of
 * OpenTelemetry, which would read the environment themselves, get everything from here.
 *
 * @throws OperatorError for a value that this server does not support. It never repeats a header.
 */
export function readTracesPolicy(environment: Environment): TracesPolicy | null {
  const { all, own, ...found } = findAll(environment);
  if ((own.endpoint ?? all.endpoint) === undefined || flag(environment, 'OTEL_SDK_DISABLED', false)) return null;
  if (oneOf(found.exporter, exporters) === 'none') return null;
  const headers = own.headers ?? all.headers;
  return {
    url: urlOf(own.endpoint, all.endpoint),
    headers: requireHeaders(headers, pairs(headers)),
    protocol: oneOf(own.protocol ?? all.protocol, protocols),
    timeoutMs: timeoutOf(own.timeout ?? all.timeout),
    isCompressed: oneOf(own.compression ?? all.compression, compressions) === 'gzip',
    ...samplerOf(found.sampler, found.samplerArgument),
    resource: {
      'service.name': 'graphql-sessions',
      ...pairs(found.attributes),
      ...(found.serviceName !== undefined && { 'service.name': found.serviceName.value }),
    },
  };
}

/** Reads all variables: those of every signal of OpenTelemetry, and those of traces, which take precedence. */
function findAll(environment: Environment) {
  return {
    all: {
      endpoint: find(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT'),
      headers: find(environment, 'OTEL_EXPORTER_OTLP_HEADERS'),
      protocol: find(environment, 'OTEL_EXPORTER_OTLP_PROTOCOL'),
      timeout: find(environment, 'OTEL_EXPORTER_OTLP_TIMEOUT'),
      compression: find(environment, 'OTEL_EXPORTER_OTLP_COMPRESSION'),
    },
    own: {
      endpoint: find(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'),
      headers: find(environment, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'),
      protocol: find(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'),
      timeout: find(environment, 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'),
      compression: find(environment, 'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION'),
    },
    exporter: find(environment, 'OTEL_TRACES_EXPORTER'),
    sampler: find(environment, 'OTEL_TRACES_SAMPLER'),
    samplerArgument: find(environment, 'OTEL_TRACES_SAMPLER_ARG'),
    attributes: find(environment, 'OTEL_RESOURCE_ATTRIBUTES'),
    serviceName: find(environment, 'OTEL_SERVICE_NAME'),
    isDisabled: find(environment, 'OTEL_SDK_DISABLED'),
  };
}

/** A variable that is set. */
type Setting = { name: string; value: string };

function find(environment: Environment, name: string): Setting | undefined {
  const value = read(environment, name);
  return value === undefined ? undefined : { name, value };
}

/** Returns one of the values, the first one by default. */
function oneOf<const T extends string>(setting: Setting | undefined, values: readonly [T, ...T[]]): T {
  if (setting === undefined) return values[0];
  const found = values.find((value) => value === setting.value);
  if (found === undefined) throw invalid(setting.name, setting.value, `must be one of ${values.join(', ')}`);
  return found;
}

/** Returns the address of traces, or the address below that of all signals (OTLP 1.x, Endpoint URLs for OTLP/HTTP). */
function urlOf(endpoint: Setting | undefined, base: Setting | undefined): URL {
  if (endpoint !== undefined) return requireUrl(endpoint);
  const url = requireUrl(base ?? { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: '' });
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url;
}

function requireUrl({ name, value }: Setting): URL {
  const url = URL.parse(value);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw invalid(
    name,
    // Anything else may be a credential.
    /^(?:[a-z]+:\/\/)?[\w.:-]+(?:\/[\w.-]*)*$/.test(value) ? value : '…',
    'must be an http or https URL without user, such as http://localhost:4318. Credentials belong into ' +
      'OTEL_EXPORTER_OTLP_HEADERS',
  );
}

/** Returns the pairs of `name=value,name=value`, whose values are percent-encoded. */
function pairs(setting: Setting | undefined): Record<string, string> {
  const entries = (setting?.value ?? '').split(',').filter((entry) => entry.trim() !== '');
  return Object.fromEntries(
    entries.map((entry, index) => {
      const [, key = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(entry) ?? [];
      const decoded = decode(value);
      if (key !== '' && decoded !== null) return [key, decoded];
      throw new OperatorError(
        `Entry ${index + 1} of ${setting?.name} is not name=value, with the value percent-encoded.`,
      );
    }),
  );
}

function decode(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}

function requireHeaders(setting: Setting | undefined, headers: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(new Headers(headers));
  } catch {
    throw new OperatorError(`${setting?.name} has a name or a value that is none of an HTTP header.`);
  }
}

function timeoutOf(setting: Setting | undefined): number {
  if (setting === undefined) return timeoutMs.default;
  const ms = /^\d{1,6}$/.test(setting.value) ? Number(setting.value) : Number.NaN;
  if (ms >= timeoutMs.min && ms <= timeoutMs.max) return ms;
  const rule = `must be a whole number of milliseconds from ${timeoutMs.min} to ${timeoutMs.max}`;
  throw invalid(setting.name, setting.value, rule);
}

function samplerOf(sampler: Setting | undefined, argument: Setting | undefined) {
  const { value = 'parentbased_always_on' } = sampler ?? {};
  const name = value.replace('parentbased_', '');
  if (sampler !== undefined && !samplerNames.includes(value)) {
    throw invalid(sampler.name, value, `must be one of ${samplerNames.join(', ')}`);
  }
  // It is a name of a sampler.
  return { ratio: samplers[name as keyof typeof samplers] ?? ratioOf(argument), isParentBased: name !== value };
}

function ratioOf(argument: Setting | undefined): number {
  if (argument === undefined) return 1;
  const ratio = /^\d*\.?\d+$/.test(argument.value) ? Number(argument.value) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw invalid(argument.name, argument.value, 'must be a number from 0 to 1');
}
