import { type Panel, type Row, rows } from './panels.ts';

const perLine = 4;
const size = { w: 24 / perLine, h: 8 };

const datasource = { type: 'prometheus', uid: '$datasource' };

/** Returns a variable whose values are those of a label. */
function labelVariable(name: string, query: string, options: object = {}): object {
  return { name, type: 'query', datasource, query: { query, refId: name }, refresh: 2, sort: 1, ...options };
}

function panelOf({ title, unit, queries, description }: Panel, id: number, place: { x: number; y: number }): object {
  return {
    id,
    type: 'timeseries',
    title,
    ...(description && { description }),
    datasource,
    gridPos: { ...size, ...place },
    fieldConfig: { defaults: { unit, min: unit === 's' ? null : 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(([expr, legendFormat], n) => ({
      refId: String.fromCharCode(65 + n),
      datasource,
      expr,
      legendFormat,
    })),
  };
}

/** Returns the panels of all rows, with their places and ids. */
function layOut(all: Row[]): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: ofRow } of all) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { h: 1, w: 24, x: 0, y },
      panels: [],
    });
    y += 1;
    for (const [n, panel] of ofRow.entries()) {
      const place = { x: (n % perLine) * size.w, y: y + Math.floor(n / perLine) * size.h };
      panels.push(panelOf(panel, panels.length + 1, place));
    }
    y += Math.ceil(ofRow.length / perLine) * size.h;
  }
  return panels;
}

/** Returns the dashboard for Grafana as JSON. */
export function dashboardJson(): string {
  const job = labelVariable('job', 'label_values(graphql_sessions_build_info, job)');
  const instance = labelVariable('instance', 'label_values(graphql_sessions_build_info{job="$job"}, instance)', {
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  });
  const dashboard = {
    uid: 'graphql-sessions',
    title: 'graphql-sessions',
    tags: ['graphql-sessions'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    time: { from: 'now-6h', to: 'now' },
    refresh: '1m',
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }, job, instance] },
    panels: layOut(rows),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
