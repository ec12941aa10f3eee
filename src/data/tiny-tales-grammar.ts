// The words and rules of tiny-tales. src/data/tiny-tales.ts reads them: it writes stories, scores stories and adds up the entropy.
//
// A rule is a list of [weight, template]. In a template
//   <name>              is another rule,
//   [x:list]            draws a word from a list, writes it and remembers it as x; [a x:list] writes "a" or "an" before it,
//   [x:list-y-z]        draws a word other than y's and z's (all words of such a list are equally likely),
//   [x:list/y]          draws from the row of the list that belongs to y's word,
//   [x:=y,z]            draws one of the words remembered as y and z, equally likely,
//   {x} {a x} {x.he}    repeat a word: as it is, with its article, as a pronoun (he, He, him, his),
//   {x+y} {x-y} {..x}   are the sum and the difference of two number words, and the count "One, two, …" up to x.
//
// A text has exactly one derivation, so that its probability is that derivation's: every choice shows at once in the text, because no
// alternative of a choice begins with the whole of another (checked when the grammar is compiled).

/** Rules by name; the story is the rule `story`. */
export type Rules = Readonly<Record<string, readonly (readonly [weight: number, template: string])[]>>;

/** A list's words; where they are not equally likely, with weights; or one such row for each word of another list. */
export type Words = readonly string[] | Readonly<Record<string, number>> | Readonly<Record<string, readonly string[]>>;

export interface Grammar {
  rules: Rules;
  lists: Readonly<Record<string, Words>>;
  /** Weights of the words in every row of a list of rows: the same for all rows, so that the row does not change the entropy. */
  rowWeights: readonly number[];
  /** The names that "she" stands for; every other name is a "he". */
  women: ReadonlySet<string>;
}

const women = 'Lily Mia Nora Ruby Clara Poppy Hazel Ivy Daisy Greta Wilma Bella'.split(' ');
const men = 'Tom Ben Max Oscar Felix Hugo Jasper Leo Otto Sam Rufus Pip'.split(' ');

export const tinyTales: Grammar = {
  women: new Set(women),
  rowWeights: [0.7, 0.2, 0.1],

  lists: {
    names: [...women, ...men],
    moods: {
      kind: 5,
      brave: 5,
      clever: 4,
      curious: 4,
      cheerful: 3,
      gentle: 3,
      sleepy: 2,
      old: 2,
      'absent-minded': 1,
      polite: 1,
      hungry: 1,
      proud: 1,
    },
    species: 'rabbit fox hedgehog bear mouse duck owl squirrel otter goat badger frog'.split(' '),
    foods: {
      rabbit: ['carrots', 'clover', 'lettuce'],
      fox: ['plums', 'roast chicken', 'cheese'],
      hedgehog: ['mushrooms', 'pears', 'beetles'],
      bear: ['honey', 'salmon', 'blueberries'],
      mouse: ['cheese', 'oats', 'crackers'],
      duck: ['bread', 'duckweed', 'barley'],
      owl: ['meat pies', 'worms', 'cake'],
      squirrel: ['nuts', 'acorns', 'pine seeds'],
      otter: ['fish', 'crabs', 'shrimps'],
      goat: ['thistles', 'hay', 'old newspapers'],
      badger: ['potatoes', 'honey', 'blackberries'],
      frog: ['flies', 'snails', 'jelly'],
    },
    homes: {
      'under the old bridge': 3,
      'in a hollow tree': 4,
      'behind the church': 2,
      'at the edge of the forest': 4,
      'beside a quiet river': 3,
      'on top of a windy hill': 2,
      'in a house made of straw': 1,
      'near the lighthouse': 1,
    },
    colours: { red: 4, blue: 4, green: 3, yellow: 3, orange: 2, purple: 1, silver: 1, golden: 1 },
    treasures:
      'drum kite lantern scarf umbrella wagon teapot whistle hat boat bell basket ladder flute clock map'.split(' '),
    few: ['two', 'three', 'four', 'five'],
    many: ['six', 'seven', 'eight', 'nine'],
    fruits: { apples: 4, pears: 3, cherries: 2, walnuts: 2, strawberries: 1, chestnuts: 1 },
    cakes: { pies: 3, muffins: 3, cakes: 2, pancakes: 2, biscuits: 1 },
    relatives: { mother: 4, father: 3, grandmother: 3, uncle: 1, aunt: 1 },
    places: 'mill pond well orchard market windmill barn castle garden school bakery station'.split(' '),
    spots: ['under the bed', 'in the cupboard', 'behind the door', 'on the roof', 'up the chimney', 'inside a boot'],
    weathers: { rain: 6, snow: 3, hail: 1, drizzle: 1, thunder: 1 },
    shelters: { 'under a big leaf': 2, 'inside a barrel': 1, 'below a cart': 1, 'in an empty cave': 2 },
    legends: { dragon: 3, giant: 2, pirate: 2, 'talking turnip': 1, 'one-eyed king': 1, 'elephant who could fly': 1 },
    sounds: ['tra-la', 'hey-ho', 'ding-dong', 'boom-boom', 'fiddle-dee', 'la-la'],
    feelings: { happy: 5, tired: 4, thankful: 2, 'full of cake': 1 },
  },

  rules: {
    story: [
      [
        1,
        '<opening> [a mood:moods] [species:species] named [hero:names] lived [home:homes]. <treasure>\n<friend> <first>',
      ],
    ],

    opening: [
      [5, 'Once upon a time'],
      [3, 'Long ago'],
      [2, 'In a faraway land'],
      [1, 'Before your grandmother was born'],
    ],

    treasure: [[3, '{hero.He} had [a colour:colours] [treasure:treasures] and loved to eat [food:foods/species].']],

    friend: [
      [4, 'One day {hero} met [friend:names-hero], [a nature:moods] [kin:species-species].'],
      [2, 'One morning [a kin:species-species] named [friend:names-hero] came to visit {hero.him}.'],
      [2, 'On market day {hero.he} bumped into [friend:names-hero] the [kin:species-species].'],
    ],

    first: [
      [3, 'Soon <episode><second>'],
      [2, 'Before lunch <episode><second>'],
      [2, 'That afternoon <episode><second>'],
    ],
    second: [
      [3, ' Then <episode><third>'],
      [2, ' Later <episode><third>'],
      [5, '<evening>'],
    ],
    third: [
      [2, ' After that <episode><evening>'],
      [3, '<evening>'],
    ],

    episode: [
      [
        4,
        'they found [x:few] [fruit:fruits] by the [place:places] and [y:few] more behind it. "That makes {x+y} {fruit}," said [who:=hero,friend].',
      ],
      [
        3,
        'they baked [x:many] [cake:cakes] and ate [y:few] of them, so {x-y} {cake} were left for [who:=hero,friend] and {who.his} [relative:relatives].',
      ],
      [3, 'the {treasure} was missing. {hero} looked [x:spots] and {friend} looked [y:spots-x]. <found>'],
      [
        3,
        'they walked past the [x:places], the [y:places-x] and the [z:places-x-y]. To get home they walked past the {z}, the {y} and the {x}.',
      ],
      [
        3,
        'it began to [weather:weathers]. They hid [shelter:shelters], and [who:=hero,friend] told a story about [a legend:legends] until the {weather} stopped.',
      ],
      [
        2,
        'a quarrel began. "The {colour} {treasure} is mine," said {friend}. "No, it is mine," said {hero}. In the end {friend.he} said sorry and gave {hero.him} some {food}.',
      ],
      [2, 'everybody sang. "[x:sounds], [y:sounds-x]," sang {hero}. "{y}, {x}," answered {friend}.'],
      [2, 'at the [place:places] [who:=hero,friend] learned to count to [x:many]. "{..x}," {who.he} said.'],
    ],
    found: [[1, 'It was [x:=x,y] all the time.']],

    evening: [
      [3, '\nWhen evening came, <ending>'],
      [2, '\nAt last the moon rose, and <ending>'],
    ],
    ending: [
      [
        3,
        'the two friends ate {food} and were [feeling:feelings]. {hero} fell asleep {home} with {hero.his} {colour} {treasure}. <moral>',
      ],
      [
        2,
        'it was time to part. "Goodbye, {friend}," said {hero}. "Goodbye, {hero}," said {friend} the {kin}. {hero.He} took {hero.his} {colour} {treasure} and slept {home}. <moral>',
      ],
    ],
    moral: [
      [4, 'The end.'],
      [2, 'And that is the story of {hero} the {mood} {species}.'],
      [1, 'Nobody was ever happier than {hero} and {friend}.'],
    ],
  },
};
