/**
 * The date that templates get from `strftime_now`: the one that the Llama 3 templates fall back to, 26 July 2024, a
 * Friday, at midnight. With the real one, a prompt would change over night and a resumed run would end in other weights.
 */
const fields: Readonly<Record<string, string>> = {
  a: 'Fri',
  A: 'Friday',
  b: 'Jul',
  B: 'July',
  c: 'Fri Jul 26 00:00:00 2024',
  C: '20',
  d: '26',
  D: '07/26/24',
  e: '26',
  f: '000000',
  F: '2024-07-26',
  g: '24',
  G: '2024',
  h: 'Jul',
  H: '00',
  I: '12',
  j: '208',
  k: ' 0',
  l: '12',
  m: '07',
  M: '00',
  n: '\n',
  p: 'AM',
  P: 'am',
  r: '12:00:00 AM',
  R: '00:00',
  S: '00',
  t: '\t',
  T: '00:00:00',
  u: '5',
  U: '29',
  V: '30',
  w: '5',
  W: '30',
  x: '07/26/24',
  X: '00:00:00',
  y: '24',
  Y: '2024',
  z: '',
  Z: '',
  '%': '%',
};

/** The fixed date in a format of Python's `strftime`; `%-d` is the field without leading zeros. */
export function formatFixedDate(format: string): string {
  return format.replace(/%(-?)([a-zA-Z%])/g, (written, bare: string, field: string) => {
    const value = fields[field] ?? written;
    return bare === '' ? value : value.replace(/^[0 ]+(?=.)/, '');
  });
}
