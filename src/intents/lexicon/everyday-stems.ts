/**
 * Stems of everyday verbs and adjectives that no command turns on, so that their clauses are heard as clauses (화면이 안
 * 바뀌네, 냄새가 심해서). Chosen by hand among the commonest of the texts that learned-nouns.ts was learned from.
 */

/** Classes of irregular stems, by the consonant that changes (깁다, 걷다, 낫다, 빨갛다); 르 and 으 change by themselves. */
export type Irregular = 'regular' | 'b' | 'd' | 's' | 'h';

/** Deeds that are none of ours. */
export const DEEDS: Readonly<Partial<Record<Irregular, string>>> = {
  regular:
    '젖히 마주치 부딪치 쳐지 설치되 갖춰지 비치되 켜지 꺼지 끊어지 터지 새어나오 들려오 풀려나 깨지 넘어지 미끄러지 지워지 없어지 잘려나가 몰려들 붙들 챙기 서두르 놓치 쉬 어울리 살리 넘치 즐기 돋보이 따르 다루 잊히 바뀌 지키 살아가 질리 망치 깨닫 울리 변하 떠오르 사라지 끼치 담기 빛나 낚이 태어나 달리 다가오 들어오 때우 바라보 흘러가 채우 이끌 벗어나 풀어내 거슬리 따라가 모으 돌아보 욕하 따지 꿈꾸 나타나 갖추 잡히 지치 드러나 받아들이 묻히 움직이 이루어지 달라지 피하 다녀오 갈리 아끼 신나 부리 밝히 떠올리 섞이 떨리 벌어지 늘어지 나타내 닥치 박히 잃어버리 외치 일으키 버티 잠들 끊기 무너지 찾아가 밀려오 쓰이 드러내 꾸미 뿌리 지켜보 자라 펼쳐지 흔들리 펼치 잠기 꼬이 안기 춤추 쏟아지 마르 바르 따라오 다듬 감추 저지르 조르 찌르 얽히 풍기 겹치 커지 부수 다가가 쌓이 나아가 살아나 망설이 먹이 장난치 뒤집 토하 베끼 도망가 깔리 잊어버리 갇히 떨어뜨리 지나치 기대 달려가 내세우 노리 미워하 조이 혼나 알려지 끌어내 날아가 건드리 맛보 택하 뭉치 견주 나르 튀어나오 늘어나 돌이키 괴롭히 걸치 스치 벌이 빼놓 만지 누리 되찾 찢어지 기르 잘리 감싸 벌리 피우 모시 달래 거치 상하 퍼지 벗기 책임지 욕먹 도망치 쳐다보 머물 녹이 줄어들 화내 입히 거두 피어나 파고들 어긋나 흘러나오 알아듣 들여다보 거르 타고나 깨우치 되돌리 스며들 자빠지 집어넣 졸이 매달리 뚫리 적시 비웃 내밀 꽂히 어기 부딪히 그리워하 깨어나 슬퍼하 살피 걸어가 무서워하 시달리 머무르 찾아내 빼앗기 굴리 삼키 적히 들키 돌보 두려워하 뺏기 부러지 가라앉 놀리 없어지 몰려오 헤매 뽑히 돌아서 써먹 따라잡 날아다니 둘러싸 뜨거워지 뛰어다니 아파하 몰리 들어서 잠그 떠나가 빠져나오 내려놓 손잡 높아지 보태 쑤시 밝혀지 쫓기 넓히 되살아나 내뱉 무너뜨리 생겨나 살찌 흩어지 뛰어들 실리 달려오 빠져나가 반짝이 껴안 쫓아가 주무시 드시 잡수시 흐려지 추워지 더워지 어두워지 밝아지 시끄러워지 붐비 밀어내 뒤척이 씌우 굶주리 데치 비비 썰 끓 익히 타이르 나무라 혼내 칭찬하 부탁받 맡아보 뛰어오 걸려오 걸어오 울려오 기침하 재채기하 하품하 엎지르 넘어뜨리',
  b: '깁 줍',
  d: '싣 일컫 깨닫 긷 붇 눋',
  s: '낫 짓 잇 붓 긋',
};

/** How something is. */
export const STATES: Readonly<Partial<Record<Irregular, string>>> = {
  regular:
    '어리 멋지 크 재미없 이쁘 나쁘 멋있 길 뻔하 짧 뛰어나 엄청나 심하 강하 약하 어이없 작 젊 대단하 똑같 착하 흔하 묘하 비슷하 지나치 진하 짠하 달달하 과하 신선하 따뜻하 수많 잘생기 못생기 구리 틀림없 쓸데없 짙 형편없 충분하 친하 알차 쿨하 정신없 진정하 멍하 못지않 흐리 배고프 철없 속상하 기막히 확실하 평범하 신기하 메마르 시원하 적당하 낡 남다르 심각하 추하 끝없 얇 굵 어색하 쫄깃하 여리 습하 저렴하 적절하 생생하 얕 상큼하 황당하 고프 힘차 웬만하 고달프 익숙하 끈질기 필요없 한결같 배부르 힘없 달콤하 맛나 소중하 낯익 환하 진지하 복잡하 쓸모없 위대하 관계없 다름없 솔직하 변함없 빤하 활기차 분하 뿌듯하 고되 맛없 간단하 차분하 굉장하 서운하 건방지 터무니없 예민하 부시 똑똑하 민망하 맹하 따분하 멍청하 뚜렷하 목마르 어수선하 희망차 값싸 재수없 뿌옇 여전하 야무지 명확하 모호하 둔하 소용없 지리하 시시하 잔잔하 유치하 유쾌하 훌륭하 이상하 독특하 순수하 완벽하 화려하 중요하 불쌍하 단순하 깔끔하 훈훈하 무난하 유명하 씁쓸하 특별하 다양하 편안하 허술하 가득하 위험하 한심하 분명하 상당하 담담하 당연하 불쾌하 쓸쓸하 끔찍하 애매하 묵직하 친절하 허전하 건강하 불안하 거대하 깨끗하 건조하 지독하 흐뭇하 강력하 억울하 간절하 멀쩡하 안전하 찜찜하 찝찝하 갑갑하 곤란하 나른하 으슬으슬하 으스스하 서늘하 선선하 쌀쌀하 후덥지근하 눅눅하 축축하 끈적끈적하 끈적하 어둑어둑하 컴컴하 깜깜하 침침하 어질어질하 지끈지끈하 뻐근하 욱신거리 욱신욱신하 간당간당하 아슬아슬하 왁자지껄하 시끌시끌하 시끌벅적하 북적북적하 북적이 북적거리 비좁 촉박하 빠듯하 급박하 산만하 쾌적하 아늑하 널찍하 한가하 든든하 깜빡하 초조하 조급하 심란하 울적하 창피하 민감하 불리하 유리하 튼튼하 딱딱하 폭신하 푹신하 삐걱거리 삐걱대 덜컹거리 흔들거리 지저분하 꿉꿉하 퀴퀴하 고약하 매캐하 찌뿌둥하 몽롱하 지긋지긋하',
  b: '아쉽 아깝 어렵 새롭 안타깝 가볍 쉽 놀랍 무겁 부럽 역겹 뜨겁 부끄럽 반갑 드럽 매끄럽 차갑 두렵 싱겁 부드럽 안쓰럽 징그럽 밉 어지럽 우습 갑작스럽 곱 부담스럽 힘겹 버겁 정겹 사납 서럽 까다롭 간지럽 껄끄럽 따갑 무덥 미끄럽 소란스럽 자연스럽 만족스럽 걱정스럽 번거롭 괴롭 해롭 이롭 위태롭 평화롭 아름답 매섭 가렵 마렵 두껍 정답 촌스럽 의심스럽 조심스럽 당황스럽 혼란스럽',
  h: '빨갛 파랗 노랗 까맣 하얗 커다랗',
};

const INITIAL_R = 5;
const [A, EO, O, U, EU, I] = [0, 4, 8, 13, 18, 20];
/** 아 and 오 take 아, other vowels 어; these contract with it. */
const CONTRACTED: Readonly<Record<number, number>> = {
  [A]: A,
  1: 1,
  [EO]: EO,
  5: 5,
  6: 6,
  [O]: 9,
  [U]: 14,
  [I]: 6,
  11: 10,
};
const FINAL_L = 8;
/** 으 falls out of these, although they end in 르. */
const PLAIN_R = new Set(['따르', '치르', '들르', '다다르']);

const syllable = (initial: number, medial: number, final: number): string =>
  String.fromCharCode(0xac00 + initial * 588 + medial * 28 + final);

/** The three bases of a stem (conjugation.ts): 바뀌 / 바뀌 / 바뀌어, 심하 / 심하 / 심해, 무겁 / 무거우 / 무거워. */
export function basesOf(stem: string, irregular: Irregular): [stem: string, eu: string, a: string] {
  const head = stem.slice(0, -1);
  const code = stem.charCodeAt(stem.length - 1) - 0xac00;
  const [initial, medial, final] = [Math.floor(code / 588), Math.floor(code / 28) % 21, code % 28];
  const bare = head + syllable(initial, medial, 0);
  const bright = medial === A || medial === O;
  if (irregular === 'b') return [stem, `${bare}우`, `${bare}워`];
  if (irregular === 's') return [stem, `${bare}으`, bare + (bright ? '아' : '어')];
  if (irregular === 'd') {
    const liquid = head + syllable(initial, medial, FINAL_L);
    return [stem, `${liquid}으`, liquid + (bright ? '아' : '어')];
  }
  if (irregular === 'h') return [stem, bare, head + syllable(initial, 1, 0)];
  if (final === FINAL_L) return [stem, bare, stem + (bright ? '아' : '어')];
  if (final !== 0) return [stem, `${stem}으`, stem + (bright ? '아' : '어')];
  if (stem.endsWith('하')) return [stem, stem, `${head}해`];
  if (medial === EU && head !== '') {
    const before = head.charCodeAt(head.length - 1) - 0xac00;
    const vowel = Math.floor(before / 28) % 21;
    const ending = vowel === A || vowel === O ? A : EO;
    if (initial === INITIAL_R && !PLAIN_R.has(stem) && before % 28 === 0)
      return [
        stem,
        stem,
        head.slice(0, -1) + String.fromCharCode(0xac00 + before + FINAL_L) + syllable(INITIAL_R, ending, 0),
      ];
    return [stem, stem, head + syllable(initial, ending, 0)];
  }
  if (medial === EU) return [stem, stem, syllable(initial, EO, 0)];
  const contracted = CONTRACTED[medial];
  return [stem, stem, contracted === undefined ? `${stem}어` : head + syllable(initial, contracted, 0)];
}
