import { languageConsistency } from '../trainer/rewards/language/language-consistency.ts';
import type { Language } from '../trainer/contract/settings/languages.ts';
import { identifiers } from './languages/identifiers.ts';
import { type Labelled, labelledSet } from './languages/labelled.ts';

/**
 * Compares identifiers of languages on the labelled set, one a process, so that each has its own memory:
 *
 *     node bench/languages.ts eld/large        one identifier
 *     node bench/languages.ts consistency      what the reward makes of each language held against each
 */
const [name = 'consistency'] = process.argv.slice(2);
if (name === 'consistency') await confusion(labelledSet());
else await measure(name, labelledSet());

async function measure(identifier: string, labelled: readonly Labelled[]): Promise<void> {
  const load = identifiers[identifier];
  if (load === undefined)
    throw new Error(`unknown identifier ${identifier}; known: ${Object.keys(identifiers).join(', ')}`);
  const before = { bytes: process.memoryUsage().rss, microseconds: cpuMicroseconds() };
  const identify = await load();
  await identify('warm');
  const loaded = { bytes: process.memoryUsage().rss, microseconds: cpuMicroseconds() };

  const texts = labelled.filter(({ label }) => label !== 'none');
  const rights: { text: string; right: boolean }[] = [];
  for (const { label, text } of texts) rights.push({ text, right: (await identify(text)).language === label });
  let claimed = 0;
  const noLanguage = labelled.filter(({ label }) => label === 'none');
  for (const { text } of noLanguage) if ((await identify(text)).reliable) claimed++;

  const start = cpuMicroseconds();
  const repetitions = 20;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const { text } of labelled) await identify(text);
  }
  console.log({
    identifier,
    accuracy: share(rights),
    shortAccuracy: share(rights.filter(({ text }) => text.length <= 28 && text.split(/\s+/).length <= 4)),
    claimedOfNoLanguage: `${claimed}/${noLanguage.length}`,
    loadCpuMs: Math.round((loaded.microseconds - before.microseconds) / 1000),
    loadMiB: Math.round((loaded.bytes - before.bytes) / 2 ** 20),
    cpuMicrosecondsPerSentence: Math.round((cpuMicroseconds() - start) / repetitions / labelled.length),
  });
}

async function confusion(labelled: readonly Labelled[]): Promise<void> {
  const labels = [...new Set(labelled.map(({ label }) => label))];
  const languages = labels.filter((label): label is Language => label !== 'none');
  console.log(['as:', ...languages].join('\t'));
  for (const label of labels) {
    const texts = labelled.filter((one) => one.label === label);
    const cells: string[] = [];
    for (const language of languages) {
      let sum = 0;
      for (const { text } of texts) sum += await languageConsistency(text, language);
      cells.push((sum / texts.length).toFixed(2));
    }
    console.log([label, ...cells].join('\t'));
  }
}

function share(rights: readonly { right: boolean }[]): string {
  return (rights.filter(({ right }) => right).length / rights.length).toFixed(3);
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
