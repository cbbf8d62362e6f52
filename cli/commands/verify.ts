import { stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type Chain,
  faultsOfChain,
  finishedLinks,
  type Link,
  type Material,
  materialsOf,
  parentsOf,
} from '../../trainer/checkpoint/chain/chain.ts';
import { findMaterials } from '../../trainer/checkpoint/chain/find-materials.ts';
import { readChain } from '../../trainer/checkpoint/chain/read-chain.ts';
import { statementOf } from '../../trainer/checkpoint/chain/statement.ts';
import { faultsOfKeptRows } from '../../trainer/data/grading/verify-rows.ts';
import { cliExitCodes } from '../exit-codes.ts';
import { integerFrom, repeatable, type StateOption, stateOption } from '../options.ts';
import { appliedPolicies } from '../../trainer/contract/settings/preference-policy.ts';
import { replay } from '../replay.ts';
import { pipelineDirectory, readPipeline } from '../state.ts';
import { table } from '../table.ts';

interface VerifyOptions extends StateOption {
  readonly materials: readonly string[];
  readonly digest?: string;
  readonly replay?: number;
  readonly stage?: string;
  readonly output?: 'json' | 'in-toto';
}

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('check the chain of digests from data, base and settings to every checkpoint, without a network')
    .argument('<directory>', 'directory with the checkpoints of a pipeline, or PIPELINE')
    .option(
      '--materials <path>',
      'file or directory with data or models that the chain names, to be compared; may be repeated',
      repeatable,
      [],
    )
    .option('--digest <sha256>', 'digest of a checkpoint that must be there', digestOf)
    .option('--replay <steps>', 'compute the last steps of a stage again, and compare its checkpoint', integerFrom(1))
    .option('--stage <name>', 'with --replay: this stage (default: the last one)')
    .addOption(new Option('-o, --output <format>', 'for machines').choices(['json', 'in-toto']))
    .addOption(stateOption())
    .action(async (argument: string, options: VerifyOptions) => {
      const directory = await chainDirectory(argument, options.state);
      const files = await findMaterials(options.materials);
      const chain = await readChain(directory);
      const faults = [...faultsOfChain(chain), ...absence(chain, options.digest)];
      // Of what was not verified the rows are not opened: they may be a link to elsewhere.
      for (const { path } of faults.length === 0 ? chain.links : []) {
        // oxlint-disable-next-line no-await-in-loop -- one directory after the other
        faults.push(...(await faultsOfKeptRows(path)));
      }
      const { replay: steps, stage } = options;
      // What was not verified is no state to go on from.
      if (steps !== undefined && faults.length === 0) {
        faults.push(...(await replay(chain, { steps, stage, materials: files }, console.error)));
      }
      const materials = materialsOf(chain.links).map((each) => ({ ...each, file: files.get(each.sha256) }));
      process.stdout.write(show(chain, { faults, materials, format: options.output }));
      for (const fault of faults) console.error(fault);
      if (faults.length > 0) process.exitCode = cliExitCodes.unverified;
    });
}

async function chainDirectory(argument: string, state: string): Promise<string> {
  const isThere = await stat(argument).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isThere) return argument;
  await readPipeline(state, argument); // says which ones there are
  return pipelineDirectory(state, argument);
}

function digestOf(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected 64 hexadecimal digits in lower case.');
}

function absence({ links }: Chain, digest: string | undefined): string[] {
  if (digest === undefined || links.some((link) => link.digest === digest)) return [];
  return [`found no checkpoint with digest ${digest}, which is asked for`];
}

interface ComparedMaterial extends Material {
  /** Where a file lies that has this SHA-256. */
  readonly file: string | undefined;
}

interface Verdict {
  readonly faults: readonly string[];
  readonly materials: readonly ComparedMaterial[];
  readonly format: VerifyOptions['output'];
}

function show(chain: Chain, { faults, materials, format }: Verdict): string {
  const finished = finishedLinks(chain.links);
  if (format === 'in-toto') return faults.length > 0 ? '' : statements(finished, chain.links);
  if (format === 'json') {
    const checkpoints = finished.map(({ path, digest, manifest, provenance }) => ({
      path,
      digest,
      step: manifest.step,
      settingsDigest: manifest.settingsDigest,
      engine: manifest.engine,
      ...provenance,
    }));
    return `${JSON.stringify({ verified: faults.length === 0, faults, checkpoints, materials }, undefined, 2)}\n`;
  }
  return [
    table(
      [{ title: 'STAGE' }, { title: 'STEP' }, { title: 'CHECKPOINT' }, { title: 'FROM' }, { title: 'FILES' }],
      finished.map((link) => cells(link, chain.links)),
    ),
    '\n',
    ...shapedLines(finished, chain.links),
    ...materials.map(({ name, sha256, file }) => `${name}: ${file ?? `not compared, SHA-256 ${sha256}`}\n`),
    `${verdictOf(chain, faults)}\n`,
  ].join('');
}

/** A statement a line; none of a chain with a fault, since somebody would sign it. */
function statements(finished: readonly Link[], links: readonly Link[]): string {
  return finished.map((link) => `${JSON.stringify(statementOf(link, links))}\n`).join('');
}

function cells(link: Link, links: readonly Link[]): string[] {
  const { manifest, provenance, digest } = link;
  const from = parentsOf(link).map((parent) => {
    const stage = links.find((each) => each.digest === parent)?.provenance?.stage;
    return stage ?? `${parent.slice(0, 12)} (missing)`;
  });
  return [
    provenance?.stage ?? '?',
    String(manifest.step),
    digest.slice(0, 12),
    from.join(', ') || '–',
    String(manifest.files.length),
  ];
}

/** Which policy shaped which stages. */
function shapedLines(finished: readonly Link[], links: readonly Link[]): string[] {
  const stages = finished.flatMap((link) => {
    if (link.provenance === undefined) return [];
    const uses = parentsOf(link).flatMap(
      (parent) => links.find(({ digest }) => digest === parent)?.provenance?.stage ?? [],
    );
    return [{ name: link.provenance.stage, settings: link.provenance.settings, uses }];
  });
  return appliedPolicies(stages).map(
    ({ policy, declaredBy, shaped }) =>
      `preference policy ${policy.name}, declared by ${declaredBy.join(', ')}: shaped ${shaped.join(', ') || 'nothing else'}\n`,
  );
}

function verdictOf({ links }: Chain, faults: readonly string[]): string {
  if (faults.length > 0) return `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`;
  const files = links.flatMap(({ manifest }) => manifest.files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0).toLocaleString('en');
  return `verified: ${links.length} checkpoints, ${files.length} files, ${bytes} bytes`;
}
