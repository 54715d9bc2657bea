/** What follows a noun or a number: particles, the copula, units; and the names of letters. */
import type { Mood } from './conjugation.js';

export const PARTICLES: Readonly<Record<string, string>> = {
  TOPIC: '은,는,은요,는요,에는,에서는,로는,으로는,엔,에선',
  SUBJECT: '이,가,께서',
  OBJECT: '을,를',
  AT: '에,에다,에다가,다가',
  FROM: '에서,서',
  TO: '로,으로,으로다가,로다가,으로요,로요,로만,으로만,루,으루',
  AND: '하고,랑,이랑,와,과,하구,그리고,및,하고요',
  ONLY: '만,만요,만은',
  ALSO: '도,에도,까지도',
  OF: '의,에 있는,에서 제일',
  OR: '나,이나,라도,이라도,든지,이든,이든지,든',
  POLITE: '요,이요,여,용',
  ABOUT: '쯤,정도,씩,짜리,경,께',
  UNTIL: '까지,까지만,까지요,까지로',
  SINCE: '부터,에서부터,서부터',
  DATIVE: '한테,에게,한테서,에게서,더러,보고',
  THAN: '보다,처럼,같은,마다,밖에,조차,따라',
};

export const COPULA: readonly (readonly [Mood, string])[] = [
  [
    'plain',
    '이야,야,지,지요,죠,이에요,예요,에요,입니다,이지,이지요,이죠,거든,거든요,이거든요,이다,이네,이네요',
  ],
  ['question', '인가,인가요,이냐,이니,일까,일까요,인지,인지요,입니까,이냐고,니,냐,인 거야,인 거예요,이지'],
  ['connect', '인데,인데요,이면서,면서,이고,고요,이고요,이라서,이라,이니까,니까'],
  ['condition', '이면,면,이라면,라면'],
  ['quote', '이래,이래요,래,이라던데,이라는데,라는데,란다,이더라,더라,이더라고,더라고,이더라고요,더라고요'],
  [
    'correct',
    '이라고,라고,이라고요,라고요,이라니까,라니까,이라니까요,라니까요,이란 말이야,란 말이야,이라구,라구,라구요,이라구요,이란 말이에요',
  ],
  ['past', '였어,이었어,였는데,이었는데,였습니다,이었습니다,였지'],
  ['attribute', '인,이던,일'],
  ['not', '이 아니야,가 아니야,이 아니에요,가 아니에요,이 아닙니다,가 아닙니다'],
  ['not-connect', '이 아니고,가 아니고,이 아니라,가 아니라,이 아니구,가 아니구'],
].map(([mood, forms]) => [mood as Mood, forms] as const);

/** Units, after a number only. */
export const UNITS: Readonly<Record<string, string>> = {
  NO: '번,번석,번 자리,번 좌석,번짜리,호,호석,호 자리,버 자리,벙,법',
  NTH: '번째,번 째,버째,번때',
  NTHSEAT: '번째 자리,번째 좌석,번째 칸,번째 의자',
  ROW: '열,줄,행,라인,번째 줄,번째 열,번째 행,번 줄,번 열,번째 라인,녈',
  FLOOR: '층,층에 있는',
  OCLOCK: '시,시에,시 정각',
  HOURS: '시간,시가,씨간',
  MINUTES: '분',
  PEOPLE: '명,인,사람,분이,분 자리,인용,인석,명이서,명분,분께서,인실,명 자리',
  PIECES: '개,칸,자리,좌석,석,군데',
  MONTH: '월',
  DAY: '일',
  ROOM: '열람실,녈람실,렬람실,면람실,번 열람실,번째 열람실,호 열람실,여람실,호실,열남실,관 열람실,열람씰,번방 열람실',
  FOREIGN:
    '쪽,페이지,원,살,잔,등급,마리,장,권,병,곡,달러,퍼센트,프로,등,회,년,개월,학년,학기,초,그릇,판,켤레,벌,대,채,주일,일간,달,주 전,키로,킬로,미터,번 출구,번 버스,번 문제,번 트랙,관,대학,세기,배,단계,과목,점,문제,위,반 아이,차례,박,편,차선,호선,호차,동,문단,인분,번 선수,인조,번 국도,자리 수,자리수,번 채널,번 사물함,번방',
};

/** Letter names as they are said. The cost tells how often the same sound is something else. */
export const LETTERS: readonly (readonly [string, string, number])[] = [
  ['A', '에이,애이', 0], ['B', '비,삐', 0.2], ['C', '씨,시', 0.2], ['D', '디,띠', 0.1], ['E', '이', 0.5], ['F', '에프,에푸,애프,엪,에브', 0],
  ['G', '쥐', 0.7], ['H', '에이치,에치', 0], ['J', '제이', 0], ['K', '케이', 0],
]; // prettier-ignore
