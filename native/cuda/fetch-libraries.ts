import { join } from 'node:path';
import { installWheels } from './wheels.ts';

/* For `npm run test:cuda`: NVIDIA's libraries and headers, a gigabyte, into native/build/. */

const native = join(import.meta.dirname, '..');
installWheels(join(native, 'cuda/libraries.txt'), join(native, 'build/cuda-libraries'));
