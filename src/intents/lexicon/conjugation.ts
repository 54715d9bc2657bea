/**
 * Verb endings by the base they attach to, each with the mood it gives. Korean verbs have three bases: the bare stem
 * (잡-, 바꾸-), the stem with 으 where it has a coda (잡으-, 바꾸-), and the 아/어 form (잡아, 바꿔). Auxiliaries
 * (주다, 놓다, 보다 ...) conjugate like verbs, so their chains are built, not listed.
 */

/** What an ending makes of its verb. */
export type Mood =
  | 'plain' // 해, 합니다: a command or a statement, the rest of the sentence decides
  | 'command' // 해 줘, 하세요
  | 'intent' // 할게, 할래, 하겠습니다, 하려고
  | 'want' // 하고 싶어, 했으면 좋겠어
  | 'must' // 해야 돼
  | 'question' // 하나요, 할까
  | 'able' // 할 수 있어
  | 'unable' // 할 수 없어
  | 'permit' // 해도 돼, 하면 안 될까
  | 'past' // 했어
  | 'past-question' // 했나요
  | 'condition' // 하면
  | 'connect' // 하고, 해서, 하는데
  | 'purpose' // 하러
  | 'attribute' // 하는
  | 'past-attribute' // 한, 했던
  | 'future-attribute' // 할
  | 'forbid' // 하지 마
  | 'not' // 하지 않아
  | 'not-connect' // 하지 말고
  | 'quote' // 하래, 한대, 하라고
  | 'noun' // 하기, 함
  | 'offer' // 해 줄게: the speaker does it for somebody
  | 'ongoing' // 하고 있어: what is, or whether it is
  | 'insist' // 해 달라고: asked for once more, or by somebody else
  | 'regret' // 할걸, 했더라면
  | 'cause' // 해서
  | 'correct'; // 오 번이라고

/** To whom an ending speaks, where the mood leaves it open. */
export const ADDRESS = { order: 1, proposal: 2, causative: 3 } as const;
const ADDRESSED: readonly (readonly [number, RegExp])[] = [
  // 앉으세요, 나가라: an order; to a machine only where it is the machine's deed.
  [ADDRESS.order, /^(시?세요|셔요|십시오|십쇼|시오|시죠|시지요|쇼|라|렴|려무나)$/],
  [ADDRESS.proposal, /^(자|ㅂ시다)$/],
  // 앉게 해 줘: lets the speaker do it.
  [ADDRESS.causative, /^(게 |게끔|도록 해|ㄹ 수 있)/],
];
export const addressOf = (form: string): number | undefined =>
  ADDRESSED.find(([, pattern]) => pattern.test(form))?.[0];

export type Base = 'stem' | 'eu' | 'a';
export type Ending = readonly [form: string, mood: Mood];

const words = (mood: Mood, forms: string): Ending[] =>
  forms.split(',').map((form) => [form.trim(), mood] as const);

const STEM: readonly Ending[] = [
  ...words(
    'connect',
    '고,고요,고서,고 나서,며,면서,거나,게,도록,는데,는데요,느라,느라고,길래,자마자,다가,기 전에,기 때문에,기는 한데,긴 한데,는 중인데,고 있는데',
  ),
  ...words(
    'connect',
    '는 김에,는 바람에,는 동안,는 동안에,는 사이에,는 대로,다 보니,다 보니까,다가는,더니,더니만,더라도,건만,는데도,는데다가,는 데다,는 데다가,기도 하고,기도 해서,기에,기엔,기에는,고 나니,고 나니까,고 해서,긴 해도,기보다는,기 위해,기 위해서,든지,든 말든,거들랑,지만,지만요',
  ),
  ...words('plain', '겠네,겠네요,겠지,겠지요,겠죠,겠군요,겠구나,것네,것네유,겄네,겄네유,겄다'),
  ...words('connect', '겠는데,겠는데요,겠지만,겠으니,겠으니까,겠길래'),
  ...words(
    'forbid',
    '지 마이소,지 마소,지 말어,지 말그라,지 마쇼,지 마시유,지 마유,지 마라잉,지 마셔,지 말더라고',
  ),
  ...words('command', '이소,이소예,게 해 주이소,게 해 주쇼,게 해 줘유'),
  ...words('plain', '심더,심다,니더,는디유,구만,구만유,는구만,는구먼,지라,지라잉'),
  ...words('connect', '는디,는디요,응께,니께,니께요'),
  ...words('question', '는교,능교,나예,는가예,나유,는겨,는 겨,남유,는감,는감유'),
  ...words('intent', '고자 합니다,고자 해요,고자 하는데요,고자 하는데,고자'),
  ...words('plain', '습니다,네,네요,지,지요,죠,거든,거든요,는다,구나,는구나,는군,는군요'),
  ...words('ongoing', '고 있어,고 있어요,고 있습니다,고 있다,고 있네,고 있네요,고 있지'),
  ...words(
    'question',
    '니,나,나요,냐,는가,는가요,는지,는지요,습니까,는 거야,는 거예요,는 거지,는 건가요,는 건지,고 있나,고 있나요,고 있니,는 중인가요',
  ),
  ...words(
    'intent',
    '자,겠다,겠어,겠어요,겠습니다,겠음,기로 할게,기로 할게요,기로 했어,기로 하자,도록 할게,도록 할게요,도록 하겠습니다',
  ),
  ...words(
    'command',
    '게 해 줘,게 해 주세요,게 해줄래,게 해 줄래요,게 해 주십시오,도록 해 줘,도록 해 주세요,게 부탁해,게 부탁해요,게 부탁드려요,게 부탁드립니다,기 바랍니다,길 바랍니다,기 부탁드립니다,도록 해,게끔 해 줘',
  ),
  ...words(
    'want',
    '는 게 좋겠어,는 게 좋겠어요,는 게 낫겠어,는 게 낫겠어요,는 게 좋을 것 같아,는 게 좋을 것 같아요',
  ),
  ...words(
    'intent',
    '는 걸로 할게,는 걸로 할게요,는 걸로 해 줘,는 걸로 해 주세요,는 걸로 하자,는 걸로 할래,는 걸로 할래요,는 걸로 하겠습니다,는 걸로 부탁해요',
  ),
  // 더 있다 갈게요
  ...words(
    'intent',
    '다 갈게,다 갈게요,다 갈래,다 갈래요,다가 갈게,다가 갈게요,다가 갈래요,다 가려고요,다 가고 싶어요',
  ),
  ...words('attribute', '는,는 거,는 것'),
  ...words('past-attribute', '던'),
  ...words('past', '는 중이야,는 중이에요,는 중입니다,던 중이야'),
  ...words('noun', '기,기로,기는,긴'),
  ...words(
    'quote',
    '던데,던데요,더라,더라고,더라고요,더라구요,는대,는대요,는다고,는다는,는다며,는다던데,냐고,자고,자는데,재',
  ),
  ...words(
    'forbid',
    '지 마,지 마요,지 마세요,지 마라,지 마십시오,지 말아,지 말아요,지 말아라,지 말아 줘,지 말아줘요,지 말아 주세요,지 말아 줄래,지 말아 줄래요,지 말아 주실래요,지 말아 주십시오,지 말자,지 말죠,지 말라고,지 말라니까,지 말아 달라고,지 말기,지 말 것,지 말도록,지마아,지 말아 주시겠어요,지 말아 주라',
  ),
  ...words('not-connect', '지 말고,지 말고요,지 않고,지 않게,지 않도록'),
  ...words(
    'not',
    '지 않을래,지 않을래요,지 않을게,지 않을게요,지 않겠습니다,지 않겠어,지 않겠어요,지 않아도 돼,지 않아도 돼요,지 않아도 됩니다,지 않아,지 않아요,지 않을 거야,지 않을 거예요,지 않으려고,지 않으려고요,지 않는,지 않은,지 못해,지 못했어,지 않았어,지 않습니다,지 않는데,지 못하게',
  ),
];

const EU: readonly Ending[] = [
  ...words(
    'intent',
    'ㄹ래유,ㄹ래예,ㄹ랍니다,ㄹ란다,ㄹ라요,ㄹ라유,ㄹ라꼬,ㄹ라꼬예,ㄹ라고예,ㄹ끼다,ㄹ끼예,ㄹ 끼다,ㄹ 끼예,ㄹ 껀데,ㄹ게유,ㄹ게예,ㄹ께유,ㄹ께예,ㄹ려유,ㄹ려구유,려구유,려고유,ㄹ껴,ㄹ 겨,ㄹ랑께,ㄹ라네,ㄹ까 싶어,ㄹ까 싶어요,ㄹ까 싶은데,ㄹ까 싶은데요,ㄹ까 해서,ㄹ까 해서요,려던 참이야,려던 참이에요,려던 참인데,려던 참인데요,려고 왔는데요,려고 왔어요',
  ),
  ...words(
    'intent',
    'ㄹ게,ㄹ게요,ㄹ께요,ㄹ래,ㄹ래요,ㄹ란다,ㄹ 거야,ㄹ 거예요,ㄹ 거에요,ㄹ거요,ㄹ 겁니다,ㄹ 건데,ㄹ 건데요,ㄹ 거거든요,ㄹ라고,ㄹ라고요,려고,려고요,려구,려구요,려고 해,려고 해요,려고 합니다,려고 하는데,려고 하는데요,려는데,려는데요,려 하는데,려 합니다,ㄹ려고,ㄹ려고요,ㄹ려구요,마,ㅂ시다,ㄹ까 해,ㄹ까 해요,ㄹ까 합니다,ㄹ까 하는데,ㄹ까 하는데요,ㄹ까 봐,ㄹ 생각이야,ㄹ 생각이에요,ㄹ 생각입니다,ㄹ 예정이야,ㄹ 예정이에요,ㄹ 예정입니다,ㄹ 참이야,ㄹ란다,ㄹ 거임,ㄹ 거니까,ㄹ 테니까,ㄹ라구,ㄹ라 그래,ㄹ라는데',
  ),
  ...words(
    'command',
    '세요,이소,이소예,쇼,슈,셔유,시소,시게,시구려,구려,시랑께,ㄹ랑가요,세용,세여,세염,셔용,셔여,시옵소서,세요옹,십시오,십쇼,시오,시죠,시지요,쇼,라,렴,려무나,ㄹ 것,ㄹ 수 있게 해 줘,ㄹ 수 있게 해 주세요,ㄹ 수 있도록 해 줘,ㄹ 수 있도록 해 주세요,ㄹ 수 있게 부탁해,ㄹ 수 있게 부탁드려요,시길 바랍니다,시기 바랍니다,시면 됩니다,ㄹ 수 있게',
  ),
  ...words(
    'question',
    'ㄹ까,ㄹ까요,려나,려나요,ㄹ란지,ㅂ니까,ㄴ가,ㄴ가요,ㄴ지,ㄴ지요,ㄹ지,ㄹ는지,냐,니,ㄴ가유,나요,ㄹ라나,ㄹ려나,ㄴ 거야,ㄴ 거예요,ㄴ 거지,ㄴ 건가요,ㄴ 데 있어,ㄹ 거지,ㄹ 거지요,ㄹ 거죠,ㄴ 편이야',
  ),
  ...words(
    'permit',
    '면 안 돼,면 안 돼요,면 안 될까,면 안 될까요,면 안 되나,면 안 되나요,면 안 되겠니,면 안 되겠습니까,면 안 되겠어요,면 될까,면 될까요,면 되나,면 되나요,면 돼,면 돼요,면 되지,면 되죠,면 됩니다,면 어떨까',
  ),
  ...words(
    'want',
    '면 좋겠어,면 좋겠어요,면 좋겠습니다,면 좋겠는데,면 좋겠는데요,면 좋겠다,면 좋을 것 같아,면 좋을 것 같아요,면 하는데요,면 해요,면 합니다,면 고맙겠어요,면 고맙겠네요,면 고맙겠는데,면 고맙겠는데요,면 감사하겠네요,면 좋겠네,면 좋겠네요,면 좋겠거든요,면 좋겠구요,면 좋겠구나,면 합니다만,나 해서,나 해서요,면 감사하겠습니다,면 고맙겠습니다,면 고맙겠어,면 감사하겠어요,ㄹ 필요가 있어',
  ),
  ...words('condition', '면,면은,면요,려면,려거든,ㄹ 거면,ㄹ 경우,ㄹ 땐,ㄹ 때,ㄹ 때는,거든'),
  ...words('connect', '니까,니까요,므로,ㄴ데,ㄴ데요,면서,며,ㄴ데도,ㄹ 텐데'),
  ...words(
    'connect',
    'ㄹ수록,ㄴ 김에,ㄴ 다음에,ㄴ 후에,ㄴ 뒤에,ㄴ 채로,ㄴ 덕분에,ㄴ 탓에,ㄴ 데다,ㄴ 데다가,ㄹ까 봐서,ㄹ 겸,ㄹ 정도로,ㄹ 테니,ㄹ 텐데요,ㄹ 거라,ㄹ 거라서,ㄹ 거여서,ㄹ 것이니,ㄴ지라,ㄴ다길래,라길래,ㄴ다고 해서,라고 해서,ㄹ 때까지,ㄹ 동안',
  ),
  ...words(
    'past',
    '려다가,려다,려다 말았어,려다 말았어요,ㄹ 뻔했어,ㄹ 뻔했어요,ㄹ 뻔했네,ㄹ 뻔했네요,ㄹ 뻔,ㄹ 뻔했다',
  ),
  ...words('purpose', '러,러 왔는데,러 왔어요,러 가는데'),
  ...words('future-attribute', 'ㄹ,ㄹ 만한,ㄹ 거'),
  ...words('past-attribute', 'ㄴ,ㄴ 거,ㄴ 것,ㄴ 걸,ㄴ 적'),
  ...words('noun', 'ㅁ'),
  ...words(
    'quote',
    '래,래요,라고,라고요,라는,라는데,라던데,란다,ㄴ대,ㄴ대요,ㄴ다고,ㄴ다는,ㄴ다던데,ㄴ다며,ㄴ다니까,라면서,랬어,라니까,라네,라네요,라더라',
  ),
  ...words('plain', 'ㄴ다,ㅂ니다,ㄹ 듯,ㄹ 것 같아,ㄹ 것 같아요'),
  ...words('regret', 'ㄹ걸,ㄹ걸 그랬어,ㄹ걸 그랬나'),
];

const PAST: readonly Ending[] = [
  ...words('intent', '다 갈게,다 갈게요,다 갈래,다 갈래요,다가 갈게요'),
  ...words(
    'past',
    '어,어요,습니다,다,지,지요,죠,네,네요,는데,는데요,거든,거든요,으니까,고,고요,더니,더니만,길래,다가,으면서,을 때,던데,던데요,기 때문에,으니,지만,지만요,는데도,잖아,잖아요,음,었어,었어요,었지,었는데,었습니다,어서,으므로,구나',
  ),
  ...words(
    'past-question',
    '던가,던가요,나,나요,니,냐,습니까,는지,는지요,을까,을까요,는가,는가요,으려나,어 안 했어,었나',
  ),
  ...words('past-attribute', '던,던 거,던 것'),
  ...words(
    'quote',
    '더라,더라고,더라고요,더라구요,더군,더군요,대,대요,다고,다는,다며,다던데,다더라,다네,단다,었대',
  ),
  ...words(
    'want',
    '으면 좋겠어,으면 좋겠어요,으면 좋겠습니다,으면 좋겠는데,으면 좋겠는데요,으면 좋겠다,으면 해,으면 해요,으면 합니다,으면 하는데,으면 하는데요,으면 싶은데요,으면 싶어요',
  ),
  ...words('condition', '으면,다면'),
  ...words('regret', '을걸,더라면,어야 했는데,어야지,을 텐데'),
];

const A: readonly Ending[] = [
  ...words('plain', '요,유,잉'),
  ...words(
    'command',
    '라,라고 좀,주삼,줘봐,다오,놔 줘,둬 줘,놔 주세요,둬 주세요,보세요,봐 주세요,봐 줘,놔 줄래,둬 줄래,놓아 줘,줘야겠다,주셔야겠어요,주길,주길 바라,주길 바랍니다,주기 바랍니다,주시기 바랍니다,주시길 바랍니다,줘야 돼,주셔야 돼요,줬으면,주쇼,주시와요,줘잉,줭,주떼요,조,조요,죠,쥬세요,저,져,줴,주새요,주세여,줘여,주세용',
  ),
  ...words(
    'must',
    '야 돼,야 돼요,야 됩니다,야 해,야 해요,야 합니다,야 하는데,야 하는데요,야 되는데,야 되는데요,야겠어,야겠어요,야겠다,야겠네,야겠습니다,야지,야죠,야 하니까,야 하거든요,야 할 것 같아,야 할 것 같아요,야 될 것 같아요,야 될 것 같아,야 돼서,야 해서',
  ),
  ...words(
    'permit',
    '도 돼,도 돼요,도 되나,도 되나요,도 되니,도 될까,도 될까요,도 됩니까,도 되지,도 되죠,도 괜찮아,도 괜찮아요,도 괜찮을까요,도 되는지,도 되는 거야,도 되냐',
  ),
  ...words('permit', '도 될는지,도 되겠어,도 되겠어요,도 되겠습니까,도 되겠니'),
  ...words('must', '야 할 듯,야 할 듯해,야 할 듯해요,야 될 듯해요'),
  ...words('insist', '달라고,달라고요,달라니까,달라니까요,달라구요'),
  ...words('cause', '서,서요'),
  ...words(
    'connect',
    '가지고,갖고,도,다가,서라도,서인지,서는,서 그런데,서 그런데요,서 그러는데,서 그러는데요',
  ),
  ...words(
    'quote',
    '달라는데,달래,달래요,달라던데,달라고 했어,달라고 해,달라고 하던데,달라고 하셨어,달라더라',
  ),
];

type Conjugated = Readonly<Record<Base, string>>;

/** Every inflected form of a verb with its mood, auxiliaries left out. */
function inflect(verb: Conjugated): Ending[] {
  return [
    [verb.a, 'plain'],
    ...STEM.map(([form, mood]) => [verb.stem + form, mood] as const),
    ...EU.map(([form, mood]) => [verb.eu + form, mood] as const),
    ...A.slice(0, 1).map(([form, mood]) => [verb.a + form, mood] as const),
    ...A.filter(
      ([, mood]) => mood === 'must' || mood === 'permit' || mood === 'connect' || mood === 'cause',
    ).map(([form, mood]) => [verb.a + form, mood] as const),
    ...PAST.map(([form, mood]) => [`${verb.a}ㅆ${form}`, mood] as const),
  ];
}

const ASKING: ReadonlySet<Mood> = new Set([
  'plain',
  'question',
  'able',
  'intent',
  'permit',
  'want',
  'must',
  'command',
  'condition',
]);
const wanting = inflect({ stem: '싶', eu: '싶으', a: '싶어' });
const existing: readonly Ending[] = [
  ...inflect({ stem: '있', eu: '있으', a: '있어' }),
  ...inflect({ stem: '있으시', eu: '있으시', a: '있으셔' }),
];

/** -ㄹ 수 있다: being able. */
const ability: readonly Ending[] = [
  ...existing.flatMap(([form, mood]) => {
    const sense: Mood = mood === 'attribute' || mood === 'condition' || mood === 'connect' ? mood : 'able';
    return [`ㄹ 수 ${form}`, `ㄹ 수는 ${form}`, `ㄹ 순 ${form}`, `ㄹ 수도 ${form}`].map(
      (whole) => [whole, sense] as const,
    );
  }),
  ...words(
    'unable',
    'ㄹ 수 없어,ㄹ 수 없어요,ㄹ 수 없나,ㄹ 수 없나요,ㄹ 수 없을까,ㄹ 수 없을까요,ㄹ 수 없네,ㄹ 수 없는데',
  ),
];

/** 해 줄게, 해 줄 거예요: not asked for but promised. */
const OFFERS =
  /^주?시?(줄게|줄께|줄 거|줄거|줄 겁|주마|줄 예정|줄 생각|주ㄹ게|주ㄹ께|주ㄹ 거(?![죠지])|주ㄹ거요|주ㄹ 겁|주ㄹ까|주ㄹ 예정|주ㄹ 생각|주ㄹ 참)/;

/** 주다 asks for the deed, whatever its own ending: 해 줘, 해 줄래, 해 줄 수 있어, 해 주면 안 돼. */
function asking(): Ending[] {
  const out: Ending[] = [];
  for (const verb of [
    { stem: '주', eu: '주', a: '줘' },
    { stem: '주시', eu: '주시', a: '주셔' },
  ]) {
    for (const [form, mood] of inflect(verb)) {
      if (form.endsWith('면') || form.endsWith('면은')) out.push([form, 'condition']);
      else if (OFFERS.test(form)) out.push([form, 'offer']);
      else out.push([form, ASKING.has(mood) && mood !== 'condition' ? 'command' : mood]);
    }
    for (const [form, mood] of ability) {
      out.push([verb.eu + form, mood === 'able' || mood === 'unable' ? 'command' : mood]);
    }
  }
  out.push(
    ...words(
      'command',
      '주이소,주이소예,주소,주쇼,주슈,주시소,주셔유,주구려,주시구려,줘유,주드라고,주십쇼잉,주쇼잉,줘잉,주라잉,주시랑께,줄랍니까,줄란교,줄랑가,줄랑가요,줄 수 있는교,줄 수 있나예,줄 수 있남유,주이다,주세용,주세염,주세옹,주셈,주삼,줘용,줘염,주십쇼,줘라,주시죠,주시지요,쎄요,주쎄요,즈세요,주쎄여,주세오,주세요,주시겠어요,주시겠습니까,주시겠어,주게,주게나,주시게,주시게나,주겠니,주겠어,주겠어요,주라,주렴',
    ),
  );
  return out;
}

/** 해야 되다, 해야 하다: having to, whatever the ending. */
const obligation: readonly Ending[] = [
  { stem: '되', eu: '되', a: '돼' },
  { stem: '하', eu: '하', a: '해' },
].flatMap((verb) =>
  inflect(verb).map(([form, mood]): Ending => [
    `야 ${form}`,
    mood === 'connect' || mood === 'condition' || mood === 'quote' ? mood : 'must',
  ]),
);

const auxiliaries: readonly Ending[] = [
  ...asking(),
  ...obligation,
  ...[
    { stem: '놓', eu: '놓으', a: '놔' },
    { stem: '두', eu: '두', a: '둬' },
    { stem: '버리', eu: '버리', a: '버려' },
    { stem: '보', eu: '보', a: '봐' },
    { stem: '있', eu: '있으', a: '있어' },
    { stem: '드리', eu: '드리', a: '드려' },
  ].flatMap((verb) => [
    ...inflect(verb),
    ...wanting.map(([form, mood]): Ending => [
      `${verb.stem}고 ${form}`,
      mood === 'attribute' || mood === 'condition' || mood === 'quote' ? mood : 'want',
    ]),
    ...ability.map(([form, mood]): Ending => [verb.eu + form, mood]),
  ]),
];

/** -ㄹ 것 같다: 못 갈 것 같아서. */
const seeming = (links: readonly string[]): Ending[] =>
  inflect({ stem: '같', eu: '같으', a: '같아' }).flatMap(([form, mood]) =>
    links.map((link): Ending => [
      link + form,
      mood === 'cause' || mood === 'connect' || mood === 'condition'
        ? mood
        : form.endsWith('던데') || form.endsWith('던데요')
          ? 'connect'
          : 'plain',
    ]),
  );

const honorific = inflect({ stem: '시', eu: '시', a: '셔' });

/** All endings, by the base they attach to. */
export const ENDINGS: Readonly<Record<Base, readonly Ending[]>> = {
  stem: [
    ...STEM,
    ...wanting.flatMap(([form, mood]): Ending[] =>
      ['고 ', '고는 ', '고도 '].map((link) => [
        link + form,
        mood === 'attribute' || mood === 'condition' || mood === 'quote' ? mood : 'want',
      ]),
    ),
    ...words('want', '고파,고파요,구 싶어,구 싶어요,구 싶은데,고 시퍼,고 싶은데 가능할까요'),
    ...wanting.map(([form]): Ending => [`고 싶지 ${form}`, 'not']),
    ...words('not', '고 싶지 않아,고 싶지 않아요,고 싶지 않은데'),
    ...existing.map(([form, mood]): Ending => [`고 ${form}`, mood]),
    ...seeming(['는 것 ', '는 거 ']),
  ],
  eu: [...EU, ...ability, ...honorific, ...seeming(['ㄹ 것 ', 'ㄹ 거 ', 'ㄴ 것 ', 'ㄴ 거 '])],
  a: [
    ...A,
    ...PAST.map(([form, mood]): Ending => [`ㅆ${form}`, mood]),
    // Before ㄴ it is said as ㄴ: 비언나요.
    ...PAST.filter(([form]) => form.startsWith('ㄴ') || /^[나-닣]/.test(form)).map(([form, mood]): Ending => [
      `ㄴ${form}`,
      mood,
    ]),
    ...auxiliaries,
  ],
};
