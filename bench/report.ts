import type { Measurement, Report } from './measure.ts';
import { workloads } from './workloads.ts';

const rate = (perSecond: number) =>
  perSecond < 100 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
const ms = (milliseconds: number) => milliseconds.toFixed(2);
const names = { ours: 'this server', naive: 'Yoga, Pothos and Prisma as documented', join: 'join', limit: 'limit' };

function row(measurement: Measurement): string {
  const { workload, server, perSecond, ofLimit, p50, p99, limitP50, cpuUs } = measurement;
  const { title, target } = workloads[workload];
  const cells = [
    server === 'ours' ? title : '',
    names[server],
    rate(perSecond),
    `**${ofLimit.toFixed(2)}**`,
    server === 'ours' && target !== undefined ? target.toFixed(2) : '',
    `${ms(p50)} / ${ms(p99)}`,
    limitP50 === null ? '' : ms(limitP50),
    cpuUs.toFixed(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Returns the figures as Markdown tables. */
export function toMarkdown(report: Report): string {
  const { database, machine, sessions, measurements, growth, beside, startMs, memory } = report;
  const lines = [
    `### ${database}: ${sessions.toLocaleString('en')} sessions`,
    '',
    `${machine}. The server has one processor, the load and PostgreSQL the other; for logins,
the server has all of them.`,
    '',
    '| workload | server | per second | of the limit | target | p50 / p99 ms | limit’s p50 ms | CPU µs |',
    '|---|---|--:|--:|--:|--:|--:|--:|',
    ...measurements.map(row),
    '',
    `- From the start to the first right answer: this server ${startMs.ours.toFixed(0)} ms, as documented ` +
      `${startMs.naive.toFixed(0)} ms, limit ${startMs.limit.toFixed(0)} ms.`,
    ...(beside
      ? [
          `- Reads during 200 concurrent logins: p99 ${ms(beside.busyP99)} ms; without logins, ${ms(beside.quietP99)} ms. ` +
            `Those logins: ${beside.ofLimit.toFixed(2)} of the limit.`,
        ]
      : []),
  ];
  if (growth) {
    lines.push(
      `- With ${growth.sessions.toLocaleString('en')} sessions: ${growth.ratio.toFixed(2)} of this rate of reads.`,
    );
  }
  if (memory.length > 0) {
    const after = memory.map(
      ({ requests, megabytes }) => `${megabytes.toFixed(0)} MB after ${requests.toLocaleString('en')}`,
    );
    lines.push(`- Memory: ${after.join(', ')} requests.`);
  }
  return `${lines.join('\n')}\n`;
}

const width = 760;
const bar = { left: 300, full: 380, height: 20, gap: 12 };

/** Returns the rates, relative to the limit, as a bar chart in SVG. */
export function toSvg({ database, measurements }: Report): string {
  const largest = Math.max(1, ...measurements.map(({ ofLimit }) => ofLimit));
  const length = (ratio: number) => ((bar.full * ratio) / largest).toFixed(1);
  const bars = measurements.map(({ workload, server, ofLimit }, index) => {
    const y = 50 + index * (bar.height + bar.gap);
    const color = server === 'ours' ? '#2563eb' : '#9ca3af';
    const title = workloads[workload].title.replaceAll('`', '');
    const label = server === 'ours' ? title : 'as documented';
    return [
      `<text x="${bar.left - 8}" y="${y + 15}" text-anchor="end">${label}</text>`,
      `<rect x="${bar.left}" y="${y}" width="${length(ofLimit)}" height="${bar.height}" fill="${color}"/>`,
      `<text x="${bar.left + Number(length(ofLimit)) + 6}" y="${y + 15}">${ofLimit.toFixed(2)}</text>`,
    ].join('');
  });
  const height = 60 + measurements.length * (bar.height + bar.gap);
  const one = bar.left + Number(length(1));
  const heading = `Requests per second, relative to the limit (${database})`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<title>${heading}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${width / 2}" y="20" text-anchor="middle" font-size="14">${heading}</text>`,
    `<line x1="${one}" y1="34" x2="${one}" y2="${height - 10}" stroke="#dc2626" stroke-dasharray="4 3"/>`,
    `<text x="${one}" y="32" text-anchor="middle" fill="#dc2626">the limit</text>`,
    ...bars,
    '</svg>\n',
  ].join('\n');
}
