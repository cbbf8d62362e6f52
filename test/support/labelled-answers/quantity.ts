import type { LabelledAnswers } from './labelled-answers.ts';

const byTemperature = (temperature: string): string =>
  JSON.stringify({
    value: '5 V',
    tolerances: [
      { when: { temperature: '-40 °C .. 0 °C' }, tolerance: '5 %' },
      { when: { temperature: '0 °C .. 85 °C' }, tolerance: '2 %' },
    ],
    at: { temperature },
  });

export const quantityAnswers: readonly LabelledAnswers[] = [
  {
    gold: '5 V ± 2 %',
    prompt: 'What does the sensor give at half of 10 V?',
    right: [
      '5 V',
      '5050 mV',
      '4.9 V',
      '5.1 V',
      '5.05 volts',
      'U = 5 V',
      '$5\\,\\mathrm{V}$',
      '0.005 kV',
      '\\boxed{5.0 V}',
      '5e3 mV',
      '5000000 µV',
    ],
    wrong: ['5.2 V', '5.11 V', '4.89 V', '5', '5 A', '5 mV', '-5 V', '5 V ± 2 %', '5 V to 6 V', '5 V or 4 V', '5 W'],
    lookAlike: ['Ƽ V', '5 Ѵ ± 9 V'],
  },
  {
    gold: byTemperature('-10 °C'),
    prompt: 'What does the sensor give at -10 °C?',
    right: ['5.2 V', '5250 mV', '4.75 V', '5 V'],
    wrong: ['5.26 V', '4.7 V', '-10 °C', '5', '5.2'],
    lookAlike: ['5,2V,', '5.2 V or 5.3 V'],
  },
  {
    gold: byTemperature('25 °C'),
    prompt: 'What does the sensor give at 25 °C?',
    right: ['5.1 V', '4900 mV', '5 V'],
    wrong: ['5.2 V', '4.75 V', '25 °C', '5.2'],
    lookAlike: ['5 V 5 V'],
    unknown: ['5.l V', '5 flurbs'],
  },
  {
    gold: '9.81 m/s^2 ± 0.01 m/s^2',
    prompt: 'What is g?',
    right: ['9.81 m/s^2', '9.81 m/s²', '981 cm/s^2', '9.82 m s^-2', '$9.81\\,\\mathrm{m/s^2}$'],
    wrong: ['9.83 m/s^2', '9.81 m/s', '9.81', '9.81 m', '9.81 s^2/m', '10 m/s^2'],
    unknown: ['9.81 \\frac{m}{s^2}', '9.8I m/s^2', '9.81 gravities'],
    lookAlike: ['9.81 m/s^2 (9.99 m/s^2)'],
  },
  {
    gold: '25 °C ± 0.5 K',
    prompt: 'How warm is it?',
    right: ['25 °C', '25.5 °C', '298.15 K', '77 °F', '25^\\circ C', '24.6 degC', '25 ℃'],
    wrong: ['25 K', '25 °F', '25', '26 °C', '-25 °C', '25°'],
    lookAlike: ['25 °С and 30 °C', '25 °C 26 °C'],
    unknown: ['2S °C', '25 °R'],
  },
  {
    gold: '3 bar ± 100 mbar',
    prompt: 'What is the pressure?',
    right: ['3 bar', '300 kPa', '3.1 bar', '0.29 MPa', '300000 Pa', '3000 mbar'],
    wrong: ['3.11 bar', '3 Pa', '3 mbar', '30 kPa', '3', '3 V', '3 bar 2 bar'],
    lookAlike: ['З bar', '3 bar; 4 bar'],
  },
  {
    gold: '4.7 kΩ ± 5 %',
    prompt: 'Which resistor is yellow, violet, red?',
    right: ['4.7 kΩ', '4700 Ω', '4700 ohm', '4.5 kohm', '4.7 k\\Omega', '0.0047 MΩ'],
    wrong: ['4.7 Ω', '47 kΩ', '5 kΩ', '4.7 kV', '4700', '4.7 mΩ'],
    lookAlike: ['4.7 kO, 5 kΩ', 'Ꮞ.7 kΩ'],
  },
  {
    gold: '50 % ± 2 %',
    prompt: 'What is the humidity?',
    right: ['50 %', '52 %', '48\\%', '0.5', '51 percent'],
    wrong: ['53 %', '50', '0.47', '50 V', '5 %'],
    lookAlike: ['50 ٪ 40 %', 'SO %'],
  },
  {
    gold: '1.5 kWh',
    prompt: 'How much energy is it?',
    right: ['1.5 kWh', '1500 Wh', '5.4 MJ', '5400000 J', '5400 kJ'],
    wrong: ['1.5 kW', '1.5 Wh', '5.5 MJ', '1.5', '1.50001 kWh'],
    lookAlike: ['1.5 kWһ or 2 kWh', 'l.5 kWh'],
  },
  {
    gold: '36 km/h ± 1 %',
    prompt: 'How fast is it?',
    right: ['36 km/h', '10 m/s', '36 kilometers per hour', '600 m/min', '9.95 m/s'],
    wrong: ['36 m/s', '10 km/h', '36', '36 km', '37 km/h', '36 h/km'],
    lookAlike: ['З6 km/h', '36 km/h - 99 km/h'],
  },
];
