export { type DecodePart, decodeBinding, decodePrograms } from './decode-programs.ts';
export {
  headGradientProgram,
  headParameters,
  type Loss,
  nextTokenProgram,
  probabilityProgram,
  scoreProgram,
} from './head-programs.ts';
export { embedProgram, keptShapes, layerGradientProgram, layerParameters, layerProgram } from './layer-programs.ts';
