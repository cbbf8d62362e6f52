import { reconcilePipeline, reconcileStage } from '../../../../operator/reconciler.ts';
import type { AttemptObserved } from '../../../../operator/core/observed.ts';
import { asAsked, pick } from '../../../support/wishes.ts';
import type { Course, End, Happening } from './happening.ts';
import { decidedTruly, fewEnough, restsAsItShould, stageDecidedTruly } from './truths.ts';
import { variants } from './variants.ts';
import { World, type WorldStage } from './world.ts';

/** Lets a world go its course, and checks all the while that it is ruled well. */
export async function live({ family, variant, maxRunningStages, happenings }: Course): Promise<World> {
  const known = variants[family] ?? [];
  const world = new World(known[variant]!, maxRunningStages);
  for (const each of happenings) {
    await happen(world, each, known);
    fewEnough(world);
  }
  await settle(world);
  return world;
}

async function happen(world: World, each: Happening, known: (typeof variants)[number]): Promise<void> {
  const names = [...world.stages.keys()];
  switch (each.kind) {
    case 'time':
      world.now += each.seconds * 1000;
      return;
    case 'lookAtPipeline':
      return void (await lookAtPipeline(world));
    case 'lookAtStage': {
      const name = pick(names, each.which);
      if (name !== undefined) await lookAtStage(world, name);
      return;
    }
    case 'settle':
      return settle(world);
    case 'podWaits': {
      const attempt = pick(world.live, each.which);
      if (attempt?.state === 'pending') Object.assign(attempt, { waiting: 'in words', waitingReason: each.reason });
      return;
    }
    case 'podRuns': {
      const attempt = pick(
        world.live.filter(({ state }) => state === 'pending'),
        each.which,
      );
      if (attempt === undefined) return;
      const { waiting: _, waitingReason: __, ...others } = attempt;
      for (const key of Object.keys(attempt)) delete (attempt as Record<string, unknown>)[key];
      Object.assign(attempt, others, { state: 'running', startedAt: world.now });
      return;
    }
    case 'progress': {
      const attempt = pick(world.live, each.which);
      if (attempt?.state !== 'running') return;
      const time = new Date(world.now).toISOString();
      attempt.progress = { type: 'progress', time, step: 2, steps: 3, phase: 'train', metrics: {} };
      return;
    }
    case 'podEnds': {
      const busy = [...world.stages.values()].filter(({ attempts }) =>
        attempts.some(({ state }) => state === 'running'),
      );
      const stage = pick(busy, each.which);
      if (stage !== undefined) end(world, stage, each.how);
      return;
    }
    case 'tracesGo': {
      const stage = pick([...world.stages.values()], each.which);
      if (stage !== undefined) stage.attempts = stage.attempts.filter(({ state }) => state !== 'ended');
      return;
    }
    case 'suspend':
    case 'edit':
    case 'approve':
    case 'rerun':
      return world.ask(asAsked(world.pipeline, each, known));
    case 'deleteStage': {
      const name = pick(names, each.which);
      if (name !== undefined) world.stages.delete(name);
      return;
    }
    case 'editStage': {
      const stage = pick([...world.stages.values()], each.which);
      if (stage === undefined) return;
      world.replace(stage, { ...stage.object, spec: { ...stage.object.spec, seed: each.seed } });
      return;
    }
    case 'refuse':
      world.refusal = { message: 'exceeded quota', until: world.now + each.seconds * 1000 };
  }
}

function end(world: World, { object, attempts }: WorldStage, how: End): void {
  const attempt = attempts.find(({ state }) => state === 'running');
  if (attempt === undefined) return;
  Object.assign(attempt, { state: 'ended', endedAt: world.now, ...endOf(how, attempt, object.metadata.uid ?? '') });
}

function endOf(how: End, { settings = '' }: AttemptObserved, uid: string): Partial<AttemptObserved> {
  switch (how) {
    case 'succeeds':
    case 'poorly': {
      const digest = settings.slice(-64).padStart(64, '0');
      const metrics = { 'eval/pass@1': how === 'poorly' ? 0.1 : 0.9 };
      const checkpoint = { path: `step-000003`, step: 3, digest };
      return {
        exit: { code: 0 },
        result: { outcome: 'succeeded', reason: 'succeeded', message: `done ${uid}`, metrics, checkpoint },
      };
    }
    case 'evicted':
    case 'preempted':
    case 'nodeLost':
      return { exit: { cause: how } };
    case 'killed':
      return { exit: { signal: 'SIGKILL' } };
    case 'unseen':
      return {};
    default:
      return { exit: { code: how } };
  }
}

async function lookAtPipeline(world: World): Promise<boolean> {
  decidedTruly(world);
  return (await reconcilePipeline('test', world)).moved;
}

async function lookAtStage(world: World, name: string): Promise<boolean> {
  stageDecidedTruly(world, name);
  return (await reconcileStage(name, world)).moved;
}

const mostRounds = 60;

/** Everybody looks until nothing moves any more, while no time goes by. */
async function settle(world: World): Promise<void> {
  for (let round = 0; round < mostRounds; round++) {
    let moved = await lookAtPipeline(world);
    for (const name of world.stages.keys()) moved = (await lookAtStage(world, name)) || moved;
    if (!moved) return restsAsItShould(world);
  }
  throw new Error(`does not come to rest in ${mostRounds} rounds`);
}
