import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { functions, plain } from '../../../trainer/runtime/ffi/api-table.ts';

test("every function is called at its place in ONNX Runtime's own header", () => {
  const header = readFileSync('native/third_party/onnxruntime/onnxruntime_c_api.h', 'utf8');
  const struct = header.slice(header.indexOf('struct OrtApi {'));
  const body = struct.slice(0, struct.indexOf('\n};')).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  const member =
    /ORT_API2_STATUS\(\s*(\w+)|ORT_CLASS_RELEASE2?\(\s*(\w+)|\(\s*(?:ORT_API_CALL\s*)?\*\s*([A-Z]\w+)\s*\)\s*\(|ORT_API_T\(\s*[^,]+,\s*(\w+)/g;
  const names = [...body.matchAll(member)].map(([, status, released, pointer, typed]) =>
    released === undefined ? (status ?? pointer ?? typed) : `Release${released}`,
  );
  const places = Object.entries({ ...functions, ...plain }).map(([name, [place]]) => [name, place]);
  expect(places).toEqual(places.map(([name]) => [name, names.indexOf(name as string)]));
});
