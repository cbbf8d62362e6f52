import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { displayStage } from '../../operator/api/display.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { type CliOptions, type CliResult, r1 } from '../support/cli.ts';
import { manifest } from '../support/manifest.ts';
import { fourStages, pipelineOf } from '../support/pipelines.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { created, succeeded, withStatus } from '../support/stages.ts';
import { describeCluster } from './support/describe-cluster.ts';

const directory = useSharedDirectory();

const gated = `${fourStages.trim()}
  - {name: judged, model: {from: zero}, sft: {data: [samples]}, gate: {approval: true}}
`;

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(directory(), name), text);
  return join(directory(), name);
}

function ended(status: 'True' | 'False' | 'Unknown', reason: string): object {
  const condition = { type: 'Succeeded', status, reason, message: `it is ${reason}` };
  return { observedGeneration: 1, conditions: [{ ...condition, lastTransitionTime: '2026-01-01T12:00:00Z' }] };
}

/** The titles of a table's columns. */
async function heads(text: Promise<string>): Promise<string[] | undefined> {
  return (await text).split('\n')[0]?.trim().split(/ {2,}/);
}

describeCluster('r1 on a cluster', (cluster) => {
  let namespace = '';
  beforeAll(async () => {
    namespace = await cluster().namespace();
  });

  const on = (args: readonly string[], options?: CliOptions): Promise<CliResult> =>
    r1([...args, '--kubeconfig', cluster().kubeconfig, '-n', namespace], options);
  const kubectl = (...args: readonly string[]): Promise<string> => cluster().kubectl('-n', namespace, ...args);
  const stored = async (name: string): Promise<R1Pipeline> =>
    JSON.parse(await kubectl('get', 'r1p', name, '-o', 'json')) as R1Pipeline;
  const wishOf = async (name: string) => (await stored(name)).metadata.annotations?.['r1.dev/rerun-from'];
  const setStatus = (kind: 'r1p' | 'r1s', name: string, status: object): Promise<string> =>
    kubectl('patch', kind, name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));

  /** Makes a pipeline without the command under test. */
  async function make(name: string, spec = fourStages): Promise<R1Pipeline> {
    await kubectl('create', '-f', await write(`${name}.yaml`, manifest(spec, name)));
    const pipeline = pipelineOf(spec);
    return { ...pipeline, metadata: { ...pipeline.metadata, name } };
  }

  async function makeStages(stages: readonly R1Stage[]): Promise<void> {
    for (const { status, ...stage } of stages) {
      await kubectl('create', '-f', await write('stage.json', JSON.stringify(stage)));
      if (status !== undefined) await setStatus('r1s', stage.metadata.name, status);
    }
  }

  test('apply makes a pipeline, says what changed, and leaves alone what the manifest does not name', async () => {
    const file = await write('p.yaml', manifest(fourStages, 'applied'));
    const apply = () => on(['apply', '-f', file]);
    expect(await apply()).toEqual({
      code: 0,
      stdout: 'r1pipeline.r1.dev/applied created\n',
      stderr: expect.stringMatching(/^(.*p\.yaml: warning: spec\.stages\[\d\]\.\w+\.sampling\.maxNewTokens: .*\n){2}$/),
    });
    expect((await apply()).stdout).toBe('r1pipeline.r1.dev/applied unchanged\n');

    await kubectl('patch', 'r1p', 'applied', '--type=merge', '-p', '{"spec":{"suspend":true}}');
    const longer = fourStages.replace(
      '  - {name: student',
      '  - {name: more, sft: {data: [sums]}}\n  - {name: student',
    );
    await write('p.yaml', manifest(longer, 'applied'));
    expect((await apply()).stdout).toBe('r1pipeline.r1.dev/applied configured\n');
    const { spec } = await stored('applied');
    expect(spec.suspend).toBe(true);
    expect(spec.stages.map(({ name }) => name)).toEqual(['pretrained', 'zero', 'samples', 'more', 'student']);
  });

  test('apply refuses what others have set to something else, until it is forced', async () => {
    const file = await write('forced.yaml', manifest(fourStages, 'forced'));
    await on(['apply', '-f', file]);
    await kubectl('patch', 'r1p', 'forced', '--type=merge', '-p', '{"spec":{"seed":5}}', '--field-manager=ann');
    const { code, stderr } = await on(['apply', '-f', file]);
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/conflict with "ann" .*\.spec\.seed; --force-conflicts/),
    ]);
    expect((await on(['apply', '-f', file, '--force-conflicts'])).code).toBe(0);
    expect((await stored('forced')).spec.seed).toBe(3);
  });

  test('apply checks first, in the words of validate, and goes to the namespace of the manifest', async () => {
    const bad = manifest(fourStages.replace('accuracy', 'acuracy'), 'bad');
    const file = await write('bad.yaml', `${manifest(fourStages, 'good')}---\n${bad}`);
    const [applied, validated] = await Promise.all([on(['apply', '-f', file]), r1(['validate', file])]);
    expect(applied.code).toBe(64);
    expect(applied.stderr).toContain(validated.stderr);
    expect(await kubectl('get', 'r1p', 'good', '--ignore-not-found')).toBe('');

    const elsewhere = manifest(fourStages, 'other').replace('name: other', 'name: other, namespace: elsewhere');
    const { stderr } = await on(['apply', '-f', '-'], { stdin: elsewhere });
    expect(stderr).toContain('found other of namespace elsewhere, expected it with -n elsewhere');
    const here = manifest(fourStages, 'here').replace('name: here', `name: here, namespace: ${namespace}`);
    const { stdout } = await r1(['apply', '-f', '-', '--kubeconfig', cluster().kubeconfig], { stdin: here });
    expect(stdout).toBe('r1pipeline.r1.dev/here created\n');
  });

  test('apply brings small files along in a ConfigMap that lives and dies with the pipeline', async () => {
    await mkdir(join(directory(), 'data'));
    await writeFile(join(directory(), 'data/chat.jsonl'), '{"prompt": "1 + 1", "completion": "2"}\n');
    const spec = `
base: {init: {}}
datasets: [{name: chat, file: data/chat.jsonl}]
stages: [{name: tuned, sft: {data: [chat]}}]`;
    const file = await write('files.yaml', manifest(spec, 'files'));
    expect((await on(['apply', '-f', file])).stderr).toBe('');
    const { metadata, spec: asked } = await stored('files');
    const [volume] = asked.volumes;
    expect(volume).toMatchObject({ path: 'data/chat.jsonl', subPath: '0-chat.jsonl' });
    const configMap = JSON.parse(await kubectl('get', 'configmap', volume?.configMap ?? '', '-o', 'json')) as {
      metadata: { ownerReferences: { uid: string }[] };
      data: Record<string, string>;
    };
    expect(configMap.data).toEqual({ '0-chat.jsonl': '{"prompt": "1 + 1", "completion": "2"}\n' });
    expect(configMap.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }]);
    expect((await on(['apply', '-f', file])).stdout).toContain('unchanged');
  });

  test('get prints the columns of kubectl, and resources without bookkeeping', async () => {
    const pipeline = await make('shown');
    await makeStages(succeeded(pipeline, ['pretrained', 'zero']));
    const out = async (...args: string[]) => (await on(args)).stdout;
    expect(await heads(out('get'))).toEqual(await heads(kubectl('get', 'r1p')));
    expect(await heads(out('get', 'stages', '-o', 'wide'))).toEqual(await heads(kubectl('get', 'r1s', '-o', 'wide')));
    expect(await heads(out('get', '-A'))).toEqual(await heads(kubectl('get', 'r1p', '-A')));
    expect(await out('get', 'stages', 'shown', '-o', 'name')).toBe(
      'r1stage.r1.dev/shown-pretrained\nr1stage.r1.dev/shown-zero\n',
    );
    const one = parse(await out('get', 'pipelines', 'shown', '-o', 'yaml')) as R1Pipeline;
    expect(one).toMatchObject({ kind: 'R1Pipeline', metadata: { name: 'shown', namespace } });
    expect(one.metadata).not.toHaveProperty('managedFields');
    const { code, stderr } = await on(['get', 'stages', 'nope']);
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/namespace test-.*: pipeline "nope" not found; known: .*shown/),
    ]);
  });

  test('get --watch shows a pipeline until it has ended', async () => {
    const pipeline = await make('watched');
    const running = withStatus(created(pipeline, [], 'pretrained'), 'running');
    const { status } = withStatus(running, 'succeeded');
    if (status === undefined) throw new Error('no status');
    const display = displayStage(running.spec, status);
    await makeStages([running]);
    let begun = false;
    const { code, stdout } = await on(['get', 'pipelines', 'watched', '--watch'], {
      onStdout(text) {
        if (begun || !text.includes('started')) return;
        begun = true;
        void setStatus('r1s', running.metadata.name, { ...status, display }).then(() =>
          setStatus('r1p', 'watched', ended('True', 'Completed')),
        );
      },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/pretrained: started \(pretrain\)\npretrained: succeeded/);
    expect(stdout).toMatch(/^STAGE +TYPE +STATE/m);
  });

  test.each([
    { reason: 'Completed', status: 'True' as const, code: 0, says: 'succeeded after' },
    { reason: 'StageFailed', status: 'False' as const, code: 1, says: 'failed after 0s: it is StageFailed' },
    { reason: 'WaitingForApproval', status: 'Unknown' as const, code: 1, says: 'waiting after' },
  ])('apply --wait ends with $code when the pipeline is $reason', async ({ reason, status, code, says }) => {
    const name = reason.toLowerCase();
    const file = await write(`${name}.yaml`, manifest(fourStages, name));
    const result = await on(['apply', '-f', file, '--wait'], {
      onStdout(text) {
        if (text === `r1pipeline.r1.dev/${name} created\n`) void setStatus('r1p', name, ended(status, reason));
      },
    });
    expect(result.code).toBe(code);
    expect(result.stdout + result.stderr).toContain(says);
  });

  test('approve appends to what was approved, and refuses gates that ask no person', async () => {
    await make('asked', gated);
    await kubectl('annotate', 'r1p', 'asked', 'r1.dev/approved=samples');
    const approved = await on(['approve', 'asked', 'judged']);
    expect(approved.stdout).toContain('the gate of judged is approved; it will not wait');
    expect((await stored('asked')).metadata.annotations?.['r1.dev/approved']).toBe('samples,judged');
    expect((await stored('asked')).metadata.annotations?.['approved-by.r1.dev/judged']).toMatch(/./);
    expect((await on(['approve', 'asked', 'zero'])).stderr).toContain('found no gate at zero; expected one of judged');
    expect((await on(['approve', 'asked', 'nope'])).stderr).toContain('found no stage "nope"');
  });

  test('suspend and resume set spec.suspend, which an ended pipeline refuses', async () => {
    await make('paused');
    expect((await on(['suspend', 'paused'])).stdout).toContain('paused: suspended');
    expect((await stored('paused')).spec.suspend).toBe(true);
    expect((await on(['suspend', 'paused'])).stdout).toContain('is suspended already');
    expect((await on(['resume', 'paused'])).stdout).toContain('paused: resumed');
    expect((await stored('paused')).spec.suspend).toBe(false);
    await setStatus('r1p', 'paused', ended('True', 'Completed'));
    expect(await on(['suspend', 'paused'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('has succeeded'),
    });
  });

  test('rerun throws finished work away only when told so', async () => {
    const pipeline = await make('again');
    const done = succeeded(pipeline, ['pretrained', 'zero']);
    await makeStages([...done, created(pipeline, done, 'samples')]);
    const refused = await on(['rerun', 'again', '--from', 'zero']);
    expect([refused.code, refused.stderr]).toEqual([64, expect.stringContaining('the work of zero (finished); --yes')]);
    expect(await wishOf('again')).toBeUndefined();
    const { stdout } = await on(['rerun', 'again', '--from', 'zero', '--yes']);
    expect(stdout).toBe('again: runs again from zero on: zero (was finished), samples, student\n');
    expect(await wishOf('again')).toBe('zero');
  });

  test('retry forgives the failures of the stages that failed, and refuses others', async () => {
    const pipeline = await make('tried');
    const [pretrained] = succeeded(pipeline, ['pretrained']);
    if (pretrained === undefined) throw new Error('no stage');
    await makeStages([pretrained, withStatus(created(pipeline, [pretrained], 'zero'), 'failed')]);
    const forgiven = (stage: string) =>
      kubectl('get', 'r1s', `tried-${stage}`, '-o', 'jsonpath={.metadata.annotations.r1\\.dev/forgiven-attempts}');
    const refused = await on(['retry', 'tried', 'pretrained']);
    expect([refused.code, refused.stderr]).toEqual([
      64,
      'r1: pipeline tried: pretrained has not failed; expected a stage that has failed: zero\n',
    ]);
    expect(await on(['retry', 'tried', 'zero'])).toEqual({
      code: 0,
      stdout: 'tried: zero is tried again\n',
      stderr: '',
    });
    expect([await forgiven('zero'), await forgiven('pretrained')]).toEqual(['1', '']);
    await kubectl('patch', 'r1p', 'tried', '--type=merge', '-p', '{"spec":{"suspend":true}}');
    expect((await on(['retry', 'tried'])).stdout).toBe(
      'tried: zero is tried again\ntried: it is suspended, and goes on when it is resumed\n',
    );
  });

  test.each([
    { storage: '{}', fate: 'go with the claim ends-volume' },
    { storage: '{retention: Retain}', fate: 'stay on the claim ends-volume' },
    { storage: '{claimName: shared}', fate: 'stay on the claim shared' },
  ])('delete says that with storage $storage checkpoints $fate', async ({ storage, fate }) => {
    const pipeline = await make('ends', `${fourStages}storage: ${storage}\n`);
    const { uid } = (await stored('ends')).metadata;
    const owner = { apiVersion: 'r1.dev/v1alpha1', kind: 'R1Pipeline', name: 'ends', uid, blockOwnerDeletion: true };
    const stage = created(pipeline, [], 'pretrained');
    await makeStages([{ ...stage, metadata: { ...stage.metadata, ownerReferences: [owner] } }]);
    const { code, stdout } = await on(['delete', 'ends', '--wait']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(`^ends: its checkpoints ${fate}.*\nends: deleted\n$`)]);
    expect(await kubectl('get', 'r1s', 'ends-pretrained', '--ignore-not-found')).toBe('');
  });

  test('delete takes finished checkpoints along only when told so', async () => {
    const pipeline = await make('finished');
    await makeStages(succeeded(pipeline, ['pretrained']));
    const refused = await on(['delete', 'finished']);
    expect([refused.code, refused.stderr]).toEqual([
      64,
      expect.stringContaining(
        'its checkpoints go with the claim finished-volume (storage.retention: RetainFailed), those of pretrained are finished; --yes deletes them',
      ),
    ]);
    await setStatus('r1p', 'finished', ended('False', 'GateFailed'));
    expect((await on(['delete', 'finished'])).stdout).toContain('its checkpoints stay on the claim finished-volume');
  });

  test('logs say why there are none', async () => {
    const pipeline = await make('quiet');
    expect((await on(['logs', 'quiet', 'zero'])).stderr).toContain(
      'stage zero of quiet has no log yet; it has not started',
    );
    await makeStages([created(pipeline, [], 'pretrained')]);
    const { code, stderr } = await on(['logs', 'quiet', 'pretrained']);
    expect([code, stderr]).toEqual([
      64,
      expect.stringContaining('has no pod whose log can be read; the stage is Pending'),
    ]);
    expect((await on(['logs', 'quiet', 'nope'])).stderr).toContain('has no stage "nope"; known: pretrained, zero');
  });
});
