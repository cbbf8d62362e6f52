import { workerData } from 'node:worker_threads';
import { openDevice } from '../../runtime/open-device.ts';
import { serveJobs, tellOfJob } from '../serve-jobs.ts';
import { Lane } from './lane.ts';
import type { LaneSettings } from './protocol.ts';

/** Entry of a lane's thread. */
const settings = workerData as LaneSettings;
const lane = new Lane(settings, openDevice(settings.device, settings.runtime), tellOfJob);
serveJobs(lane.handlers, settings.running);
