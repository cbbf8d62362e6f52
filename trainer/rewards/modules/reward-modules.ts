import type { OwnRewardSettings, RewardSettings } from '../../contract/settings/rewards.ts';
import type { Sample } from './protocol.ts';
import type { Score } from '../score.ts';
import { HttpReward, type Needs } from './http-reward.ts';
import { RewardModule } from './reward-module.ts';

/** A reward of one's own, ready to score. */
export interface OwnReward extends Pick<RewardModule, 'columns' | 'close'> {
  score(samples: readonly Sample[], needs?: Needs): Promise<readonly Score[]>;
}

/** The rewards of one's own of a stage, each in a process of its own or a service. */
export class RewardModules {
  readonly #modules: ReadonlyMap<OwnRewardSettings, OwnReward>;

  private constructor(modules: ReadonlyMap<OwnRewardSettings, OwnReward>) {
    this.#modules = modules;
  }

  /**
   * @param signal ends a rollout that is being scored
   * @throws UserError for a file or service that cannot be used
   * @throws UnavailableError for a service that does not answer
   */
  static async open(settings: readonly RewardSettings[], signal: AbortSignal): Promise<RewardModules> {
    const modules = new Map<OwnRewardSettings, OwnReward>();
    const opened = new RewardModules(modules);
    try {
      for (const { module, python, http } of settings) {
        // oxlint-disable-next-line no-await-in-loop -- the first that cannot be used is told
        if (module !== undefined) modules.set(module, await RewardModule.open(module, signal));
        // oxlint-disable-next-line no-await-in-loop -- as above
        if (python !== undefined) modules.set(python, await RewardModule.openPython(python, signal));
        // oxlint-disable-next-line no-await-in-loop -- as above
        if (http !== undefined) modules.set(http, await HttpReward.open(http, { signal }));
      }
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  readonly score = async (module: OwnRewardSettings, samples: readonly Sample[]): Promise<readonly Score[]> => {
    const opened = this.#modules.get(module);
    if (opened === undefined) throw new Error('a reward of one’s own was not opened');
    return opened.score(samples);
  };

  /** By its file, what each cannot be called without. */
  get columns(): ReadonlyMap<string, readonly string[]> {
    const ofFiles = Array.from(this.#modules, ([settings, { columns }]) => ({ settings, columns }));
    return new Map(ofFiles.flatMap(({ settings, columns }) => ('file' in settings ? [[settings.file, columns]] : [])));
  }

  close(): void {
    for (const module of this.#modules.values()) module.close();
  }
}
