import { expect, test } from '@jest/globals';
import { plainDisplay } from '../../../cli/display/plain.ts';
import { after, runOf } from './runs.ts';

/** A display whose clock stands where the last update put it. */
function watched(): { lines: string[]; update: (seconds: number, ...run: Parameters<typeof runOf>) => void } {
  const lines: string[] = [];
  let now = 0;
  const display = plainDisplay(
    (line) => lines.push(line),
    () => now,
  );
  return {
    lines,
    update(seconds, ...run) {
      now = after(seconds);
      display.update(runOf(...run));
    },
  };
}

const ended = { endedAt: '2026-03-01T09:00:42Z' };

test('one line at the start, at most one every ten seconds, one at the end', () => {
  const { lines, update } = watched();
  for (let second = 0; second < 42; second++) {
    update(second, {
      pretrained: { state: 'Running', progress: { step: second, metrics: { loss: 2 }, secondsLeft: 60 } },
    });
  }
  update(42, { pretrained: { state: 'Succeeded', attempts: [ended], metrics: { loss: 0.5, 'eval/pass@1': 0.37 } } });
  update(43, { pretrained: { state: 'Succeeded', attempts: [ended], metrics: { loss: 0.5, 'eval/pass@1': 0.37 } } });
  expect(lines).toEqual([
    'pretrained: started (pretrain)',
    'pretrained: train 10/100  loss 2.000  1m 00s left',
    'pretrained: train 20/100  loss 2.000  1m 00s left',
    'pretrained: train 30/100  loss 2.000  1m 00s left',
    'pretrained: train 40/100  loss 2.000  1m 00s left',
    'pretrained: succeeded after 42s  loss 0.500  pass@1 0.370',
  ]);
});

test('tells of a warning once, whatever its message becomes', () => {
  const { lines, update } = watched();
  update(0, { pretrained: { state: 'Running' } });
  for (const second of [1, 2]) {
    const warnings = [{ reason: 'NoSignal', message: `no signal for ${second} steps` }];
    update(second, { pretrained: { state: 'Running', warnings } });
  }
  expect(lines).toEqual(['pretrained: started (pretrain)', 'pretrained: warning (NoSignal): no signal for 1 steps']);
});

test('tells of failures, retries and gates, each once', () => {
  const { lines, update } = watched();
  const failed = { outcome: 'Failed', class: 'diverged', message: 'loss is NaN', ...ended } as const;
  const gate = {
    stage: 'pretrained',
    metric: 'eval/pass@1',
    expected: '≥ 0.5',
    passed: false,
    action: 'Stopped',
    message: 'eval/pass@1 is 0.1, expected at least 0.5',
    digest: 'e'.repeat(64),
    time: '2026-03-01T09:00:00Z',
  };
  update(0, { pretrained: { state: 'Running' } });
  for (const second of [50, 51]) update(second, { pretrained: { state: 'Retrying', attempts: [failed] } });
  for (const second of [60, 61]) update(second, { pretrained: { state: 'Running', attempts: [failed, {}] } });
  for (const second of [70, 71]) {
    update(second, { pretrained: { state: 'Failed', attempts: [failed, failed], message: 'out of retries' } }, [gate]);
  }
  expect(lines).toEqual([
    'pretrained: started (pretrain)',
    'pretrained: attempt 1 failed: diverged: loss is NaN',
    'pretrained: attempt 2 started',
    'pretrained: attempt 2 failed: diverged: loss is NaN',
    'pretrained: failed after 1m 24s: out of retries',
    'pretrained: gate Stopped: eval/pass@1 is 0.1, expected at least 0.5',
  ]);
});

test('a run that goes on says what was done before and what is new', () => {
  const { lines, update } = watched();
  const interrupted = { outcome: 'Interrupted', ...ended } as const;
  const done = { state: 'Succeeded', attempts: [ended] } as const;
  update(100, { pretrained: done, 'r1-zero': { state: 'Running', attempts: [interrupted] } });
  update(101, { pretrained: done, 'r1-zero': { state: 'Running', attempts: [interrupted, {}] } });
  expect(lines).toEqual(['pretrained: succeeded after 42s', 'r1-zero: attempt 2 started']);
});
