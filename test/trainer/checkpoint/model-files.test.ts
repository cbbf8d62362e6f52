import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { describeModel } from '../../../trainer/checkpoint/model-files.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const write = (path: string, content: string): Promise<void> => writeFile(join(directory(), path), content);

const index = { weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } };
const sharded = ['config.json', 'model-1.safetensors', 'model-2.safetensors', 'model.safetensors.index.json'];
beforeEach(async () => {
  for (const path of sharded) await write(path, path.endsWith('index.json') ? JSON.stringify(index) : path);
});

test('a model is its config, tokenizer and weights, whatever lies beside them', async () => {
  const described = await describeModel(directory());
  expect(described.map(({ path }) => path)).toEqual(sharded);
  for (const path of ['README.md', 'pytorch_model.bin', 'consolidated.safetensors']) await write(path, path);
  await mkdir(join(directory(), 'onnx'));
  expect(await describeModel(directory())).toEqual(described);

  await write('chat_template.jinja', '{{ messages }}');
  await write('model-2.safetensors', 'other weights');
  const changed = (await describeModel(directory())).filter(
    (file) => !described.some((each) => each.sha256 === file.sha256),
  );
  expect(changed.map(({ path }) => path)).toEqual(['chat_template.jinja', 'model-2.safetensors']);
});

test('one file comes before an index, as it does when the weights are opened; links are followed', async () => {
  await write('blob', 'weights');
  await symlink('blob', join(directory(), 'model.safetensors'));
  expect(await describeModel(directory())).toMatchObject([
    { path: 'config.json' },
    { path: 'model.safetensors', bytes: 7 },
  ]);
});

test('weights that are broken are left to whoever opens them; what cannot be read is a user error', async () => {
  await write('model.safetensors.index.json', '{}');
  expect((await describeModel(directory())).map(({ path }) => path)).toEqual(['config.json']);
  await rm(join(directory(), 'config.json'));
  await symlink('../gone', join(directory(), 'config.json'));
  await expect(describeModel(directory())).rejects.toThrow(UserError);
  await expect(describeModel(join(directory(), 'none'))).rejects.toThrow(/none: cannot be read: ENOENT/);
});
