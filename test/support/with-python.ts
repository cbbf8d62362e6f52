import { spawnSync } from 'node:child_process';
import { test } from '@jest/globals';

/** For what runs a real Python, where there is one. */
export const testWithPython = spawnSync('python3', ['--version']).status === 0 ? test : test.skip;
