import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

interface TestResult {
  readonly name: string;
  readonly passed: boolean;
}

/** Tests that ran and were not left out on this machine, by their file. */
export type TestResults = ReadonlyMap<string, readonly TestResult[]>;

/** What `jest --json` writes, as far as it is read. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs these files with Jest, one after the other. */
export async function runTests(files: readonly string[]): Promise<TestResults> {
  const folder = await mkdtemp(join(tmpdir(), 'r1-claims-'));
  try {
    const output = join(folder, 'tests.json');
    const jest = ['node_modules/jest/bin/jest.js', '--runInBand', '--json', `--outputFile=${output}`];
    const child = spawn(process.execPath, ['--experimental-vm-modules', ...jest, '--runTestsByPath', ...files], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(child, 'exit');
    return resultsOf(JSON.parse(await readFile(output, 'utf8')) as Report);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function resultsOf({ testResults }: Report): TestResults {
  return new Map(
    testResults.map(({ name, message, assertionResults }) => {
      const ran = assertionResults.filter(({ status }) => status === 'passed' || status === 'failed');
      const results = ran.map(({ fullName, status }) => ({ name: fullName, passed: status === 'passed' }));
      // A file that cannot be loaded has no test, and says why.
      return [
        relative(process.cwd(), name),
        assertionResults.length === 0 ? [{ name: message.split('\n', 1)[0] ?? '', passed: false }] : results,
      ];
    }),
  );
}
