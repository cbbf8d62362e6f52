import type { OwnRewardSettings, RewardSettings } from '../../contract/rewards.ts';
import type { Sample, Score } from './protocol.ts';
import { RewardModule } from './reward-module.ts';

/** The rewards of one's own of a stage, each in a process of its own. */
export class RewardModules {
  readonly #modules: ReadonlyMap<OwnRewardSettings, RewardModule>;

  private constructor(modules: ReadonlyMap<OwnRewardSettings, RewardModule>) {
    this.#modules = modules;
  }

  /**
   * @param signal ends a rollout that is being scored
   * @throws UserError for a file that cannot be used
   */
  static async open(settings: readonly RewardSettings[], signal: AbortSignal): Promise<RewardModules> {
    const modules = new Map<OwnRewardSettings, RewardModule>();
    const opened = new RewardModules(modules);
    try {
      for (const { module, python } of settings) {
        // oxlint-disable-next-line no-await-in-loop -- the first that cannot be used is told
        if (module !== undefined) modules.set(module, await RewardModule.open(module, signal));
        // oxlint-disable-next-line no-await-in-loop -- as above
        if (python !== undefined) modules.set(python, await RewardModule.openPython(python, signal));
      }
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  readonly score = async (module: OwnRewardSettings, samples: readonly Sample[]): Promise<readonly Score[]> => {
    const opened = this.#modules.get(module);
    if (opened === undefined) throw new Error(`${module.file} was not opened`);
    return opened.score(samples);
  };

  /** By its file, what each cannot be called without. */
  get columns(): ReadonlyMap<string, readonly string[]> {
    return new Map(Array.from(this.#modules, ([{ file }, { columns }]) => [file, columns]));
  }

  close(): void {
    for (const module of this.#modules.values()) module.close();
  }
}
