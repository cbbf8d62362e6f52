import type { Sample } from '../../../../trainer/rewards/modules/protocol.ts';
import { RewardModule } from '../../../../trainer/rewards/modules/reward-module.ts';

/* Prints the scores of samples by a reward of one's own: FILE SAMPLES */

const [file = '', samples = ''] = process.argv.slice(2);
const module = await RewardModule.open({ file, timeoutSeconds: 60, memoryMiB: 64 });
console.log(JSON.stringify(await module.score(JSON.parse(samples) as Sample[])));
module.close();
