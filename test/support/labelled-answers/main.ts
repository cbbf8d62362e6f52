// Writes the labelled rows of a kind as JSONL: node test/support/labelled-answers/main.ts math > math.jsonl; r1 grade math.jsonl
import { labelledAnswers } from './all.ts';

const kind = process.argv[2] ?? '';
const rows = Object.entries(labelledAnswers).find(([name]) => name === kind)?.[1];
if (rows === undefined)
  throw new Error(`found ${kind || 'no kind'}, expected one of ${Object.keys(labelledAnswers).join(', ')}`);
for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
