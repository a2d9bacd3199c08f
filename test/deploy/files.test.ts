import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { uid } from '../../scripts/image/root.ts';
import { readConfig } from '../../src/config/config.ts';
import { settingNames } from '../../src/config/names.ts';

const read = (name: string) => readFile(`deploy/${name}`, 'utf8');

const isSetting = (name: string) => settingNames.includes(name.replace(/_FILE$/, ''));

/** The time for the requests in flight, in seconds: `stopDeadlineMs` in src/main.ts. */
const stopSeconds = 9.5;

async function kubernetes() {
  const documents = parseAllDocuments(await read('kubernetes.yaml')).map((document) => document.toJS());
  const [config, deployment] = documents;
  const { template, selector } = deployment.spec;
  return { documents, config, selector, pod: template.spec, labels: template.metadata.labels };
}

describe('files of deploy/', () => {
  it('name settings that exist, the version of the package and the user of the image', async () => {
    const { config, pod } = await kubernetes();
    const { server } = parse(await read('compose.yaml')).services;
    const containerfile = await read('Containerfile');
    expect(
      [...Object.keys(config.data), ...Object.keys(server.environment)].filter((name) => !isSetting(name)),
    ).toEqual([]);
    for (const image of [server.image, pod.containers[0].image]) {
      expect(image).toMatch(new RegExp(`/graphql-sessions:${packageJson.version}$`));
    }
    expect(containerfile).toContain(`USER ${uid}:${uid}`);
    expect(containerfile).toContain(`COPY --chown=${uid}:${uid}`);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: uid, runAsGroup: uid, fsGroup: uid });
  });

  it('start the server with the options of npm start', async () => {
    const [, options = ''] = /^node (.*) --import/.exec(packageJson.scripts.start) ?? [];
    const [, entry = '[]'] = /^ENTRYPOINT (.*)$/m.exec(await read('Containerfile')) ?? [];
    expect(JSON.parse(entry).slice(1, -1)).toEqual(options.split(' '));
    expect(await read('graphql-sessions.service')).toContain(
      `ExecStart=/opt/graphql-sessions/node_modules/.bin/node ${options} /`,
    );
  });

  it('let a server finish its requests', async () => {
    const { config, pod } = await kubernetes();
    const { drainMs } = readConfig({ DRAIN_TIME: config.data.DRAIN_TIME });
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drainMs / 1_000 + stopSeconds);
    const [, seconds = ''] = /^TimeoutStopSec=(\d+)$/m.exec(await read('graphql-sessions.service')) ?? [];
    expect(Number(seconds)).toBeGreaterThan(stopSeconds);
    const { server } = parse(await read('compose.yaml')).services;
    expect(Number.parseInt(server.stop_grace_period, 10)).toBeGreaterThan(stopSeconds);
  });

  it('select the pods of the deployment, and probe paths and ports of the server', async () => {
    const { documents, selector, pod, labels } = await kubernetes();
    const kinds = documents.map(({ kind }) => kind);
    expect(kinds).toEqual(['ConfigMap', 'Deployment', 'Service', 'PodDisruptionBudget']);
    const [, , service, budget] = documents;
    expect([selector.matchLabels, service.spec.selector, budget.spec.selector.matchLabels]).toEqual([
      labels,
      labels,
      labels,
    ]);
    const [server] = pod.containers;
    expect(server.ports).toEqual([{ name: service.spec.ports[0].targetPort, containerPort: readConfig({}).port }]);
    const probes = [server.startupProbe, server.livenessProbe, server.readinessProbe];
    expect(probes.map(({ httpGet }) => httpGet.path)).toEqual(['/health', '/health', '/ready']);
  });
});
