export type { AttentionOp } from '../nn/attention.ts';
export { cacheBlock } from '../nn/cached-attention.ts';
export { cacheType, decodeProgram } from './decode-program.ts';
export {
  entropyProgram,
  headGradientProgram,
  headOf,
  headParameters,
  type Loss,
  nextTokenProgram,
  probabilityProgram,
  scoreProgram,
} from './head-programs.ts';
export { embedProgram, keptShapes, layerGradientProgram, layerParameters, layerProgram } from './layer-programs.ts';
export { panelsProgram } from './panels.ts';
export { roundProgram } from './round-program.ts';
export { addProgram, addRowsProgram, cacheWriteProgram, pickRowsProgram, widenProgram } from './row-programs.ts';
export { type Drawing, sampleProgram } from './sample-programs.ts';
