import type { GeneratorLanguage } from '../../contract/settings/dataset.ts';

/** A question whose answer is a list, with the noun that its items are counted by. */
export interface Fact {
  readonly subject: string;
  readonly noun: string;
  readonly items: readonly string[];
}

/** A small closed world: fact i is the same in each language. No noun is in both languages. */
export const facts: Record<GeneratorLanguage, readonly Fact[]> = {
  en: [
    fact('the primary colours', 'colours', 'red, yellow, blue'),
    fact('the traffic lights', 'colours', 'red, amber, green'),
    fact('the seasons', 'seasons', 'spring, summer, autumn, winter'),
    fact('the weekend days', 'days', 'Saturday, Sunday'),
    fact('the even digits', 'digits', '2, 4, 6, 8'),
    fact('the odd digits', 'digits', '1, 3, 5, 7, 9'),
    fact('the prime digits', 'digits', '2, 3, 5, 7'),
    fact('the square digits', 'digits', '1, 4, 9'),
    fact('the compass points', 'directions', 'north, east, south, west'),
    fact('the meals', 'meals', 'breakfast, lunch, dinner'),
    fact('the parents', 'people', 'mother, father'),
    fact('the siblings', 'people', 'brother, sister'),
    fact('the states of water', 'states', 'ice, liquid, steam'),
    fact('the main tastes', 'tastes', 'sweet, sour, salty, bitter'),
    fact('the farm animals', 'animals', 'cow, pig, sheep, horse'),
    fact('the house pets', 'animals', 'dog, cat'),
    fact('the times of day', 'times', 'morning, noon, evening, night'),
    fact('the eating tools', 'tools', 'knife, fork, spoon'),
    fact('the sky lights', 'lights', 'sun, moon, stars'),
    fact('the metals', 'metals', 'iron, copper, silver'),
    fact('the trees', 'trees', 'oak, beech, birch'),
    fact('the birds', 'birds', 'eagle, owl, raven'),
  ],
  de: [
    fact('die Grundfarben', 'Farben', 'rot, gelb, blau'),
    fact('die Ampelfarben', 'Farben', 'rot, gelb, grün'),
    fact('die Jahreszeiten', 'Zeiten', 'Frühling, Sommer, Herbst, Winter'),
    fact('die Tage am Wochenende', 'Tage', 'Samstag, Sonntag'),
    fact('die geraden Ziffern', 'Ziffern', '2, 4, 6, 8'),
    fact('die ungeraden Ziffern', 'Ziffern', '1, 3, 5, 7, 9'),
    fact('die Primziffern', 'Ziffern', '2, 3, 5, 7'),
    fact('die Quadratziffern', 'Ziffern', '1, 4, 9'),
    fact('die Himmelsrichtungen', 'Richtungen', 'Norden, Osten, Süden, Westen'),
    fact('die Mahlzeiten', 'Mahlzeiten', 'Frühstück, Mittagessen, Abendessen'),
    fact('die Eltern', 'Personen', 'Mutter, Vater'),
    fact('die Geschwister', 'Personen', 'Bruder, Schwester'),
    fact('die Formen von Wasser', 'Formen', 'Eis, Flüssigkeit, Dampf'),
    fact('die Geschmäcker', 'Geschmäcker', 'süß, sauer, salzig, herb'),
    fact('die Tiere vom Hof', 'Tiere', 'Kuh, Schwein, Schaf, Pferd'),
    fact('die Haustiere', 'Tiere', 'Hund, Katze'),
    fact('die Tageszeiten', 'Zeiten', 'Morgen, Mittag, Abend, Nacht'),
    fact('das Besteck', 'Dinge', 'Messer, Gabel, Löffel'),
    fact('die Himmelslichter', 'Lichter', 'Sonne, Mond, Sterne'),
    fact('die Metalle', 'Metalle', 'Eisen, Kupfer, Silber'),
    fact('die Bäume', 'Bäume', 'Eiche, Buche, Birke'),
    fact('die Vögel', 'Vögel', 'Adler, Eule, Rabe'),
  ],
};

function fact(subject: string, noun: string, items: string): Fact {
  return { subject, noun, items: items.split(', ') };
}
