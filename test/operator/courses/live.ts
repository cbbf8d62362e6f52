import { succeededStatus } from '../../../operator/api/resources/conditions.ts';
import { isTrainer } from '../../../operator/kube/objects/ownership.ts';
import type { Course, Happening } from './course.ts';
import { Dice } from './dice.ts';
import { OperatorProcess, type Write } from './operator-process.ts';
import { inOwnTime, pass } from './time.ts';
import { always, asTrainersBegin, asWritten } from './truths.ts';
import { afterDeletion, atRest } from './truths-at-rest.ts';
import { World } from './world.ts';

/** Controllers, the kubelet and whoever else acts by themselves do something so often. */
const stepMs = 1000;
/** Far more than four stages need. */
const mostRounds = 40;
const longestRestlessSeconds = 900;

/** Lets a course go on to a good end, and checks all the while that all is as it should be. */
export async function live(course: Course): Promise<World> {
  return inOwnTime(async () => {
    const life = new Life(course);
    try {
      await life.happenAll();
      await (course.isDeleted ? life.endDeleted() : life.endWell());
      return life.world;
    } finally {
      life.end();
    }
  });
}

class Life {
  readonly world: World;
  private readonly course: Course;
  private readonly dice: Dice;
  /** The newest is the one that leads. */
  private readonly operators: OperatorProcess[] = [];
  private deaths = 0;
  private changedAt = Date.now();
  private readonly lastWrites: Write[] = [];
  /** What the person does in the moment before the next write of a status. */
  private readonly justBeforeStatus: (() => void)[] = [];
  private untrue: Error | undefined;

  constructor(course: Course) {
    this.course = course;
    this.dice = new Dice(course.seed);
    this.world = new World(course, this.dice, (beginning) => this.check(asTrainersBegin, this.world, beginning));
    this.world.store.onChange(() => {
      this.changedAt = Date.now();
      this.check(always, this.world);
    });
    this.startOperator();
  }

  end(): void {
    for (const operator of this.operators) operator.kill();
  }

  private startOperator(): void {
    const { weather, deaths, outlivesMs } = this.course;
    const { store, history } = this.world;
    const operator = new OperatorProcess({
      store,
      history,
      weather,
      dice: this.dice,
      diesAfter: deaths[this.deaths],
      outlivesMs,
      beforeWrite: (path) => {
        if (path.endsWith('/status')) this.justBeforeStatus.shift()?.();
      },
      onWrite: (write) => {
        this.lastWrites.push(write);
        this.check(asWritten, this.world, write);
      },
      onDeath: () => {
        this.deaths++;
        setTimeout(() => this.startOperator(), this.dice.roll() * 1000);
      },
      onMistake: (error) => this.note('no pass fails by a mistake of ours', words(error)),
    });
    this.operators.push(operator);
    operator.start();
  }

  private check<T extends readonly unknown[]>(
    truths: Readonly<Record<string, (...of: T) => string | undefined>>,
    ...of: T
  ): void {
    for (const [name, truth] of Object.entries(truths)) {
      const wrong = truth(...of);
      if (wrong !== undefined) this.note(name, wrong);
    }
  }

  /** The first that is found is thrown by `pass`: here an operator would take it for an answer of its API server. */
  private note(name: string, wrong: string): void {
    this.untrue ??= new Error(`not true: ${name}: ${wrong}`);
  }

  private async pass(seconds: number): Promise<void> {
    for (let ms = 0; ms < seconds * 1000; ms += stepMs) {
      this.world.cluster.step();
      await pass(stepMs);
      if (this.untrue !== undefined) throw this.untrue;
    }
  }

  async happenAll(): Promise<void> {
    for (const each of this.course.happenings) {
      const happen = (): void => this.world.happen(each);
      if (each.justBeforeStatus && isByPerson(each)) this.justBeforeStatus.push(happen);
      else happen();
      await this.pass(each.kind === 'time' ? each.seconds : each.restSeconds);
    }
    for (const happen of this.justBeforeStatus.splice(0)) happen();
  }

  /** Until nobody has changed anything for a while. */
  private async comeToRest(): Promise<void> {
    await this.untilQuiet();
    this.check(atRest, this.world);
    await this.pass(1);
  }

  private async untilQuiet(): Promise<void> {
    const quietMs = 20_000 + 3 * Math.max(...this.course.weather.lagsMs);
    for (let seconds = 0; Date.now() - this.changedAt < quietMs; seconds += 5) {
      await this.pass(5);
      if (seconds > longestRestlessSeconds)
        this.note('all comes to rest', this.lastWrites.slice(-6).map(inShort).join());
    }
  }

  /** From now on all goes well, until the pipeline has come to its end or waits for a person. */
  async endWell(): Promise<void> {
    const { world } = this;
    const { cluster } = world;
    await this.comeToRest();
    world.happen({ kind: 'suspend', suspend: false });
    for (let round = 0; round < mostRounds; round++) {
      // The message of a stage may say that somebody's copy has its place: by then the person has read it.
      if (round === mostRounds / 4) world.happen({ kind: 'deleteCopies' });
      await this.pass(10);
      for (const job of cluster.queued) cluster.suspend(job, false);
      for (const pod of cluster.waiting) cluster.run(pod);
      await this.pass(1);
      for (const pod of cluster.running) if (isTrainer(pod)) cluster.end(pod, 'succeeds');
      if (!this.isAtItsEnd) continue;
      await this.comeToRest();
      if (this.isAtItsEnd) return;
    }
    const said = world.pipeline.status?.conditions.map(({ type, status, message }) => `${type} ${status}: ${message}`);
    this.note('nothing is stuck', said?.join('; ') ?? 'no status');
    await this.pass(1);
  }

  /** With all that belongs to it, and what is under way. */
  async endDeleted(): Promise<void> {
    const { world } = this;
    world.deletePipeline();
    await this.untilQuiet();
    this.check(afterDeletion, world);
    await this.pass(1);
  }

  /** Nothing of it waits for a node or for its turn either, as an attempt of a stage that failed its pipeline may. */
  private get isAtItsEnd(): boolean {
    const { waiting, queued } = this.world.cluster;
    return this.isOver && waiting.length === 0 && queued.length === 0;
  }

  private get isOver(): boolean {
    const { status } = this.world.pipeline;
    if (status === undefined) return false;
    return succeededStatus(status.conditions) !== 'Unknown' || status.gates.some(({ action }) => action === 'Waiting');
  }
}

function isByPerson({ kind }: Happening): boolean {
  return !['podRuns', 'podEnds', 'nodeIsLost', 'nodeReturns', 'queueAdmits', 'queueTakesBack', 'time'].includes(kind);
}

function inShort({ method, path }: Write): string {
  return `${method} ${path}`;
}

function words(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
