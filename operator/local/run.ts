import type { Writer } from '../../trainer/contract/files/directory-lock.ts';
import type { ProgressLine } from '../../trainer/contract/files/progress.ts';
import { addressOf, readReviewPage, reviewPhase } from '../../trainer/contract/files/review.ts';
import { trainerCommand } from '../../trainer/contract/process/trainer-command.ts';
import { reconcilePipeline, reconcileStage } from '../reconciler.ts';
import { findCondition } from '../api/resources/conditions.ts';
import type { R1Stage } from '../api/resources/stage.ts';
import { stagesAfter } from '../core/pipeline/plan.ts';
import { fileContents } from './file-contents.ts';
import { LocalShell } from './local-shell.ts';
import { endOrphans } from './orphans.ts';
import { adoptPipeline, findDamage, forgiveFailures, markInterrupted, recordEnds } from './resume.ts';
import type { RunEvent, RunOptions } from './run-options.ts';
import { runResult, type RunResult } from './run-result.ts';
import type { StateDirectory } from './state-directory.ts';

/** A stage that only makes progress has its status written at most this often. */
const progressIntervalMs = 1000;

/** Between two looks for the approval of a gate that waits. */
const approvalIntervalMs = 1000;

/** One run of one pipeline, from the taken lock to the last status. */
export class Run {
  private readonly options: RunOptions;
  private readonly state: StateDirectory;
  private readonly lock: Writer;
  /** Attempts and gates whose end was told. */
  private readonly told = new Set<string>();
  private woken = false;
  private wake: () => void = () => undefined;
  private progressSeenAt = 0;

  constructor(options: RunOptions, state: StateDirectory, lock: Writer) {
    this.options = options;
    this.state = state;
    this.lock = lock;
  }

  async run(): Promise<RunResult> {
    const { signal, killSignal, graceMs = 120_000 } = this.options;
    const orphans = await endOrphans(this.state.files, graceMs);
    for (const { pid } of orphans)
      this.emit({ type: 'note', message: `ended trainer ${pid} of a run that was killed` });

    const shell = await this.openShell();
    const onAbort = (): void => this.wakeUp();
    const onKill = (): void => shell.killAll();
    signal?.addEventListener('abort', onAbort);
    killSignal?.addEventListener('abort', onKill);
    try {
      await recordEnds(shell);
      this.tellNews(shell, { quietly: true });
      await forgiveFailures(shell);
      await findDamage(shell, this.state);
      return await this.loop(shell);
    } catch (error) {
      await shell.stopAll('shutdown'); // no trainer is left behind without a runner
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      killSignal?.removeEventListener('abort', onKill);
    }
  }

  private async loop(shell: LocalShell): Promise<RunResult> {
    const key = shell.pipeline.metadata.name;
    for (;;) {
      if (this.options.signal?.aborted) return this.shutDown(shell);
      this.woken = false;
      await this.lock.check(); // another machine may have taken this one for gone
      let { moved, recheckAfterMs = Infinity } = await reconcilePipeline(key, shell);
      for (const { spec } of shell.stages) {
        const pass = await reconcileStage(spec.stage, shell);
        moved ||= pass.moved;
        recheckAfterMs = Math.min(recheckAfterMs, pass.recheckAfterMs ?? Infinity);
      }
      this.tellNews(shell);
      if (moved || this.woken) continue;
      if (isAtRest(shell)) return runResult(shell.pipeline, shell.stages);
      await this.sleep(waitsForPerson(shell) ? Math.min(recheckAfterMs, approvalIntervalMs) : recheckAfterMs);
    }
  }

  private async shutDown(shell: LocalShell): Promise<RunResult> {
    if (shell.isRunning) this.emit({ type: 'note', message: 'stopping: the running stage saves its work' });
    await shell.stopAll('shutdown');
    await recordEnds(shell);
    this.tellNews(shell);
    await markInterrupted(shell);
    return runResult(shell.pipeline, shell.stages);
  }

  private async openShell(): Promise<LocalShell> {
    const { options, state } = this;
    const { manifest, rerunFrom = [] } = options;
    for (const name of stagesAfter(manifest, rerunFrom).toReversed()) await state.removeStage(name);
    const stages: R1Stage[] = [];
    for (const { name } of manifest.spec.stages) {
      const stage = await state.readStage(name);
      if (stage !== undefined) stages.push(stage);
    }
    const old = await state.readPipeline();
    const names = new Set(manifest.spec.stages.map(({ name }) => name));
    const left = old?.spec.stages.map(({ name }) => name).filter((name) => !names.has(name)) ?? [];
    if (left.length > 0) {
      const message = `not in this manifest any more: ${left.join(', ')}; what was made stays in ${state.root}`;
      this.emit({ type: 'note', message });
    }
    const shell = new LocalShell({
      state,
      pipeline: adoptPipeline(manifest, old, Date.now()),
      stages,
      contents: await fileContents(manifest, options.manifestFile, state.contents),
      manifestFile: options.manifestFile,
      trainer: options.trainer ?? trainerCommand(),
      workers: options.workers,
      device: options.device,
      graceMs: options.graceMs,
      maxRunningStages: options.maxRunningStages ?? 1,
      onAttemptStarted: (stage, attempt, log) => this.emit({ type: 'attemptStarted', stage, attempt, log }),
      onProgress: (stage, attempt, progress) => {
        this.emit({ type: 'progress', stage, attempt, progress });
        if (progress.phase === reviewPhase) void this.tellAddress(stage, progress);
        if (Date.now() - this.progressSeenAt < progressIntervalMs) return;
        this.progressSeenAt = Date.now();
        this.wakeUp();
      },
      onStageUpdated: (message) => this.emit({ type: 'note', message }),
      onChange: () => this.wakeUp(),
      onStatus: () => this.emit({ type: 'state', pipeline: shell.pipeline, stages: shell.stages }),
    });
    await shell.writePipeline(shell.pipeline);
    return shell;
  }

  /** Says once what has ended. */
  private tellNews(shell: LocalShell, { quietly = false } = {}): void {
    const tell = (key: string, event: RunEvent): void => {
      if (this.told.has(key)) return;
      this.told.add(key);
      if (!quietly) this.emit(event);
    };
    for (const { spec, status } of shell.stages) {
      for (const record of status?.attempts ?? []) {
        if (record.outcome === 'Running') continue;
        const log = this.state.log(spec.stage, record.number);
        tell(`${spec.stage} ${record.number}`, { type: 'attemptEnded', stage: spec.stage, record, log });
      }
    }
    for (const gate of shell.pipeline.status?.gates ?? [])
      tell(`${gate.digest} ${gate.action}`, { type: 'gate', gate });
  }

  /** Says once where people find the page of a stage that waits for them. */
  private async tellAddress(stage: string, { step, steps }: ProgressLine): Promise<void> {
    const key = `${stage} review`;
    if (this.told.has(key)) return;
    this.told.add(key);
    const page = await readReviewPage(this.state.volume(stage));
    const where = page === undefined ? '' : `: ${addressOf(page)}`;
    const message = `${stage}: ${steps - step} of ${steps} rows wait for a person${where}`;
    this.emit({ type: 'note', message });
  }

  private emit(event: RunEvent): void {
    this.options.onEvent?.(event);
  }

  private wakeUp(): void {
    this.woken = true;
    this.wake();
  }

  private async sleep(ms: number): Promise<void> {
    const longestTimerMs = 2 ** 31 - 1;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, longestTimerMs));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.woken) this.wake();
    });
  }
}

/** While other stages run; a person may approve at any time. */
function waitsForPerson({ pipeline }: LocalShell): boolean {
  return pipeline.status?.gates.some(({ action }) => action === 'Waiting') ?? false;
}

/** Nothing runs, and nothing will without a person. */
function isAtRest(shell: LocalShell): boolean {
  const succeeded = findCondition(shell.pipeline.status?.conditions, 'Succeeded');
  if (shell.isRunning || succeeded === undefined) return false;
  return succeeded.status !== 'Unknown' || ['Suspended', 'WaitingForApproval'].includes(succeeded.reason);
}
