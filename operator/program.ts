import { Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../trainer/contract/process/errors.ts';
import { exitCodes } from '../trainer/contract/process/exit-codes.ts';
import { logLevels, type LogLevel } from './kube/logger.ts';
import { runOperator } from './kube/operator.ts';
import { noStageDefaults, readStageDefaults } from './kube/apply/stage-defaults.ts';

interface Flags {
  readonly namespace: string[];
  readonly image: string;
  readonly stageDefaults?: string;
  readonly hubEndpoint?: string;
  readonly leaderElectionId: string;
  readonly metricsPort: number;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
}

const program = new Command('r1-operator')
  .description('Runs R1Pipelines on the Kubernetes cluster of KUBECONFIG, or on the one that it is a pod of.')
  .option('--namespace <name>', 'watch this namespace alone; may be repeated', collect, [])
  .option('--image <image>', 'image of the trainer for manifests that name none', 'r1-operator:0.1.0')
  .option('--stage-defaults <file>', 'JSON: how pods are placed whose manifests do not say')
  .option('--hub-endpoint <url>', 'instead of https://huggingface.co')
  .option('--leader-election-id <name>', 'name of the Lease by which one of several operators leads', 'r1-operator')
  .option('--metrics-port <port>', 'Prometheus metrics on /metrics', port, 8080)
  .option('--health-port <port>', 'probes on /healthz and /readyz', port, 8081)
  .addOption(new Option('--log-level <level>', 'least severe lines of the log').choices(logLevels).default('info'))
  .action(async ({ stageDefaults, ...flags }: Flags) => {
    const defaults = stageDefaults === undefined ? noStageDefaults : await readStageDefaults(stageDefaults);
    // Watches and passes of an operator that has lost its lease would keep the process alive, and must not go on.
    process.exit(await runOperator({ ...flags, defaults }));
  });

function collect(value: string, values: readonly string[]): string[] {
  return [...values, value];
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65535) return value;
  throw new InvalidArgumentError(`found ${text}, expected a port from 0 to 65535`);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = exitCodes.userError;
}
