import type { Command } from 'commander';
import { addClusterOptions, type ClusterOptions } from './cluster/options.ts';
import { isPlugin } from './invocation.ts';
import { type StateOption, stateOption } from './options.ts';

/** Options of a command that looks at this machine or at a cluster; a plugin of kubectl has no state on this machine. */
export type PlaceOptions = ClusterOptions & Partial<StateOption>;

export function addPlaceOptions(command: Command): Command {
  addClusterOptions(command);
  return isPlugin ? command : command.addOption(stateOption());
}
