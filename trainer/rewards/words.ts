import type { Language } from '../contract/dataset.ts';

/**
 * Words by which a language is known: its function words, the words of worked arithmetic, and those of the generators.
 * Function words alone are about half of any running text. A few short words are in both lists; they count for whichever
 * language is asked for.
 */
const lists: Record<Language, string> = {
  en: `
    a about above after again all also although always am an and another any are around as at away back be because been
    before being below between both but by can cannot could did do does done down each either else even every few fine
    first for from further gave get gets give given go goes good got had has have he her here hers him his how however i
    if in instead into is it its itself just keep know last least less let like little made make makes many may me mean
    means might more most much must my need needs neither never next no nor not nothing now of off often okay on once one
    only or other others our out over own part per perhaps put quite rather really right same say says see seems shall
    she should show since so some something still such take takes than thank that the their them then there therefore
    these they thing things think this those though through thus to today together too true under until up us use used
    using very wait want was way we well went were what when where whether which while who whole whose why will with
    within without would write wrong yes yet you your
    add adds added adding addition answer carry carries calculate check checking column compute difference digit digits
    divide divided double eight equal equals equation error find five four half hundred hundreds left mistake minus
    multiply multiplied nine number numbers obtain ones plus problem product question quotient recheck remain remainder
    remains result second seven six solution solve step steps subtract sum ten tens third thousand thousands three times
    total triple two units value verify zero
    colours seasons days directions meals people states tastes animals tools lights metals trees birds
    hello hi help morning name day noted`,
  de: `
    ab aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beide bekommen bekommt bevor bin
    bis bist da dabei dafür daher damit danach dann daran das dass davon dazu dein dem den denn der deren des deshalb die
    dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines einfach einige er es etwas
    euch euer für gab ganz geben gegeben gehen geht genau gibt gut habe haben hat hatte hier hinter ich ihm ihn ihr ihre
    im immer in ins ist ja jede jedem jeden jeder jedes jedoch jetzt kann kein keine können könnte lassen machen macht
    man mehr mein meine mich mir mit muss müssen nach nämlich neben nein nicht nichts noch nun nur ob oben oder ohne
    schon sehr sei sein seine seit sich sie sind so sodass sollte somit sondern sonst über um und uns unser unten unter
    viel viele vielleicht vom von vor wäre war warum was wegen weil weiter welche welcher wenn wer werden wie wieder will
    wir wird wo wobei während zu zum zur zurück zwar zwischen
    acht addiere addieren addiert also anzahl antwort aufgabe ausdruck berechne berechnen beträgt bleibt differenz drei
    dritte dividiere eins einer einerstelle ergebnis ergibt erhalten erste erster ersten fehler frage fünf geteilt gleich
    gleichung halb hunderter hundert insgesamt lösen lösung mal minus moment multipliziere nachrechnen neun null plus
    probe produkt prüfe prüfen rechne rechnen rechnung rest richtig falsch schritt schritte sechs sieben stelle stimmt
    subtrahiere summe tausend tausender teile überprüfe überprüfen übertrag übrig vier warte wert zahl zahlen zehn zehner
    ziffer ziffern zuerst zwei zweite zweiten
    farben zeiten tage richtungen mahlzeiten personen formen geschmäcker tiere dinge lichter metalle bäume vögel
    hallo guten tag helfen tun notiert werktag`,
};

const words: Record<Language, ReadonlySet<string>> = {
  en: new Set(lists.en.trim().split(/\s+/)),
  de: new Set(lists.de.trim().split(/\s+/)),
};

/** Endings that settle the language of a word in neither list. */
const endings: Record<Language, RegExp> = {
  en: /(?:ing|ness|ly|ful|ity|ough|ment)$/,
  de: /(?:ung|ungen|keit|heit|lich|liche|lichen|isch|ische|ischen|schaft)$|[äöüß]/,
};

/**
 * Whether a word is of the language; `undefined` if that cannot be told, as for names and rare words. Words in another
 * script than Latin are of neither language.
 *
 * @param word lower case
 */
export function wordIsOf(language: Language, word: string): boolean | undefined {
  if (words[language].has(word)) return true;
  const other = language === 'en' ? 'de' : 'en';
  if (words[other].has(word) || /[^\p{Script=Latin}'’-]/u.test(word)) return false;
  if (endings[language].test(word)) return true;
  return endings[other].test(word) ? false : undefined;
}
