import { rational, type Rational } from '../numbers/rational.ts';

/** Exponents of base units by their symbols: of a newton `{ m: 1, kg: 1, s: -2 }`. */
export type Dimension = Readonly<Record<string, number>>;

export interface Unit {
  /** In base units; of a temperature scale the size of its degree. */
  readonly factor: Rational;
  readonly dimension: Dimension;
  /** Of a temperature scale: its zero in kelvin. */
  readonly zero?: Rational;
}

const base = (symbol: string): Dimension => ({ [symbol]: 1 });
const newton = { m: 1, kg: 1, s: -2 };
const joule = { m: 2, kg: 1, s: -2 };
const volt = { m: 2, kg: 1, s: -3, A: -1 };

type Entry = readonly [symbols: string, factor: string, dimension: Dimension, prefixes?: 'prefixes'];

/** Symbols and names of each, its size in base units, exact where its definition is. Source: the SI brochure, 9th edition; NIST SP 811, appendix B. */
const entries: readonly Entry[] = [
  ['m meter meters metre metres', '1', base('m'), 'prefixes'],
  ['g gram grams gramme', '1/1000', base('kg'), 'prefixes'],
  ['s sec second seconds', '1', base('s'), 'prefixes'],
  ['A amp amps ampere amperes', '1', base('A'), 'prefixes'],
  ['K kelvin kelvins', '1', base('K'), 'prefixes'],
  ['mol mole moles', '1', base('mol'), 'prefixes'],
  ['cd candela', '1', base('cd'), 'prefixes'],
  ['° deg degree degrees', '1', base('°')],
  ['rad radian radians', '57295779513082320876798154814105/1000000000000000000000000000000', base('°'), 'prefixes'],
  ['min minute minutes', '60', base('s')],
  ['h hr hrs hour hours', '3600', base('s')],
  ['d day days', '86400', base('s')],
  ['Hz hertz', '1', { s: -1 }, 'prefixes'],
  ['rpm', '1/60', { s: -1 }],
  ['N newton newtons', '1', newton, 'prefixes'],
  ['Pa pascal pascals', '1', { m: -1, kg: 1, s: -2 }, 'prefixes'],
  ['bar bars', '100000', { m: -1, kg: 1, s: -2 }, 'prefixes'],
  ['atm', '101325', { m: -1, kg: 1, s: -2 }],
  ['psi', '44482216152605/6451600000', { m: -1, kg: 1, s: -2 }],
  ['J joule joules', '1', joule, 'prefixes'],
  ['Wh', '3600', joule, 'prefixes'],
  ['cal calorie calories', '4184/1000', joule, 'prefixes'],
  ['eV', '1602176634/10000000000000000000000000000', joule, 'prefixes'],
  ['W watt watts', '1', { m: 2, kg: 1, s: -3 }, 'prefixes'],
  ['C coulomb coulombs', '1', { s: 1, A: 1 }, 'prefixes'],
  ['Ah', '3600', { s: 1, A: 1 }, 'prefixes'],
  ['V volt volts', '1', volt, 'prefixes'],
  ['Ω ohm ohms', '1', { ...volt, A: -2 }, 'prefixes'],
  ['S siemens', '1', { m: -2, kg: -1, s: 3, A: 2 }, 'prefixes'],
  ['F farad farads', '1', { m: -2, kg: -1, s: 4, A: 2 }, 'prefixes'],
  ['H henry henries', '1', { m: 2, kg: 1, s: -2, A: -2 }, 'prefixes'],
  ['T tesla', '1', { kg: 1, s: -2, A: -1 }, 'prefixes'],
  ['Wb weber', '1', { m: 2, kg: 1, s: -2, A: -1 }, 'prefixes'],
  ['lm lumen', '1', base('cd'), 'prefixes'],
  ['lx lux', '1', { m: -2, cd: 1 }, 'prefixes'],
  ['l L liter liters litre litres', '1/1000', { m: 3 }, 'prefixes'],
  ['t tonne tonnes', '1000', base('kg'), 'prefixes'],
  ['ha hectare hectares', '10000', { m: 2 }],
  ['in inch inches', '254/10000', base('m')],
  ['ft foot feet', '3048/10000', base('m')],
  ['yd yard yards', '9144/10000', base('m')],
  ['mi mile miles', '1609344/1000', base('m')],
  ['mph', '44704/100000', { m: 1, s: -1 }],
  ['lb lbs pound pounds', '45359237/100000000', base('kg')],
  ['oz ounce ounces', '45359237/1600000000', base('kg')],
  ['% percent', '1/100', {}],
  ['‰', '1/1000', {}],
  ['ppm', '1/1000000', {}],
];

const prefixes: Readonly<Record<string, readonly [symbols: string, exponent: number]>> = {
  femto: ['f', -15],
  pico: ['p', -12],
  nano: ['n', -9],
  micro: ['µ μ u', -6],
  milli: ['m', -3],
  centi: ['c', -2],
  deci: ['d', -1],
  hecto: ['h', 2],
  kilo: ['k', 3],
  mega: ['M', 6],
  giga: ['G', 9],
  tera: ['T', 12],
};

const scales: readonly (readonly [symbols: string, degree: string, zero: string])[] = [
  ['°C ℃ degC celsius', '1', '27315/100'],
  ['°F ℉ degF fahrenheit', '5/9', '45967/180'],
];

/** Case counts in symbols: mW is no MW. */
export const knownUnits: ReadonlyMap<string, Unit> = new Map([...prefixed(), ...plain(), ...temperatureScales()]);

function* plain(): Generator<[string, Unit]> {
  for (const [symbols, factor, dimension] of entries)
    for (const symbol of symbols.split(' ')) yield [symbol, { factor: read(factor), dimension }];
}

/** Before the others, as `min` is a minute and no thousandth of an inch. */
function* prefixed(): Generator<[string, Unit]> {
  for (const [symbols, factor, dimension, takes] of entries) {
    if (takes === undefined) continue;
    for (const symbol of symbols.split(' '))
      for (const [name, [signs, exponent]] of Object.entries(prefixes))
        for (const prefix of symbol.length > 3 ? [name] : signs.split(' '))
          yield [prefix + symbol, { factor: scaled(read(factor), exponent), dimension }];
  }
}

function* temperatureScales(): Generator<[string, Unit]> {
  for (const [symbols, degree, zero] of scales)
    for (const symbol of symbols.split(' '))
      yield [symbol, { factor: read(degree), dimension: base('K'), zero: read(zero) }];
}

function read(text: string): Rational {
  const [top = '1', bottom = '1'] = text.split('/');
  return rational(BigInt(top), BigInt(bottom));
}

function scaled({ numerator, denominator }: Rational, exponent: number): Rational {
  const power = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0 ? rational(numerator, denominator * power) : rational(numerator * power, denominator);
}
