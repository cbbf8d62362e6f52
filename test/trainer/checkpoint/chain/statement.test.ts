import { beforeAll, expect, test } from '@jest/globals';
import type { Link } from '../../../../trainer/checkpoint/chain/chain.ts';
import { readChain } from '../../../../trainer/checkpoint/chain/read-chain.ts';
import { statementOf } from '../../../../trainer/checkpoint/chain/statement.ts';
import { publishLink, sha256 } from '../../../support/chain.ts';
import { useSharedDirectory } from '../../../support/shared-directory.ts';

const directory = useSharedDirectory();
const preferencePolicy = { name: 'kind/1', text: 'Prefer what is kind.' };
let links: readonly Link[];
beforeAll(async () => {
  const base = await publishLink(directory(), {
    stage: 'base',
    start: [{ path: 'model.safetensors', bytes: 4, sha256: sha256('from elsewhere') }],
  });
  await publishLink(directory(), {
    stage: 'helpful',
    from: { stage: 'base', digest: base.digest },
    datasets: [{ name: 'pairs', file: sha256('pairs') }],
    settings: { rewardModel: { pairs: ['pairs'], preferencePolicy } },
  });
  ({ links } = await readChain(directory()));
});

// The fields and what must be in them: https://slsa.dev/spec/v1.0/provenance
test('a statement has the fields of in-toto and SLSA, and names all that a checkpoint came from', () => {
  const [base, helpful] = links as [Link, Link];
  expect(statementOf(helpful, links)).toEqual({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'helpful/step-000003/checkpoint.json', digest: { sha256: helpful.digest } },
      { name: 'helpful/step-000003/model.safetensors', digest: { sha256: sha256('helpful') } },
      {
        name: 'helpful/step-000003/provenance.json',
        digest: { sha256: helpful.manifest.settingsDigest.slice('1:'.length) },
      },
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://r1.dev/stage/v1',
        externalParameters: helpful.provenance,
        internalParameters: { settingsDigest: helpful.manifest.settingsDigest, step: 3 },
        resolvedDependencies: [
          { name: 'base/step-000003/checkpoint.json', digest: { sha256: base.digest } },
          { name: 'dataset pairs', digest: { sha256: sha256('pairs') } },
          { name: 'preference policy kind/1', digest: { sha256: sha256(preferencePolicy.text) } },
          { name: 'sources of the trainer', digest: { sha256: 'c'.repeat(64) } },
        ],
      },
      runDetails: { builder: { id: 'https://r1.dev/trainer', version: helpful.manifest.engine } },
    },
  });
});

test('files of a base model from elsewhere are dependencies', () => {
  expect(statementOf(links[0]!, links).predicate.buildDefinition.resolvedDependencies).toContainEqual({
    name: 'base model.safetensors',
    digest: { sha256: sha256('from elsewhere') },
  });
});
