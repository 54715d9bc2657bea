/** Korean for what the page shows. */
import type { IntentName, Slots } from '../intents/contract.js';

export const INTENT_NAMES: Record<IntentName, string> = {
  reserve: '예약',
  move: '이동',
  return: '반납',
  extend: '연장',
  cancel: '취소',
  purchase: '구매',
  status: '내 자리 확인',
  check_seat: '자리 확인',
  list_available: '빈자리 보기',
  correct: '정정',
  deny: '아니요',
  confirm: '네',
  show_barcode: '바코드',
  my_info: '내 정보',
  login: '로그인',
  logout: '로그아웃',
  refresh: '새로 고침',
  help: '도움말',
  none: '명령 아님',
};

const SLOT_NAMES: Partial<Record<keyof Slots, string>> = {
  seat: '좌석',
  seats: '좌석',
  from_seat: '지금 좌석',
  row: '줄',
  room: '열람실',
  floor: '층',
  date: '날짜',
  time: '시각',
  until: '끝',
  daypart: '때',
  duration_min: '시간',
  party_size: '인원',
  adjacent: '붙은 자리',
  preference: '원함',
  exclude: '빼고',
  any_seat: '아무 자리',
  rejected_seat: '말고',
  relative: '위치',
  max: '최대',
  all: '모두',
  field: '항목',
};

const VALUES: Record<string, string> = {
  window: '창가',
  aisle: '통로',
  outlet: '콘센트',
  partition: '칸막이',
  normal: '일반',
  corner: '구석',
  quiet: '조용한',
  front: '앞',
  back: '뒤',
  middle: '가운데',
  away_from_door: '문에서 먼',
  today: '오늘',
  tomorrow: '내일',
  day_after_tomorrow: '모레',
  morning: '아침',
  afternoon: '오후',
  evening: '저녁',
  night: '밤',
  next: '옆',
  behind: '뒤',
  remaining_time: '남은 시간',
  end_time: '끝나는 시각',
  my_seat: '내 자리',
  reservation: '예약',
  now: '지금',
};

export const seatName = (seat: string): string => (/^\d+$/.test(seat) ? `${seat}번 좌석` : `${seat} 좌석`);

export function seatList(seats: readonly string[]): string {
  if (seats.length <= 1) return seatName(seats[0] ?? '');
  const numbers = seats.every((seat) => /^\d+$/.test(seat));
  return `${seats.join(', ')}${numbers ? '번' : ''} 좌석`;
}

/** 90 -> 1시간 30분 */
export function minutes(value: number): string {
  const hours = Math.floor(value / 60);
  const rest = value % 60;
  if (hours === 0) return `${String(rest)}분`;
  return rest === 0 ? `${String(hours)}시간` : `${String(hours)}시간 ${String(rest)}분`;
}

/** The time of day, 15:07. */
export function clock(at: number): string {
  const time = new Date(at);
  return `${String(time.getHours())}:${String(time.getMinutes()).padStart(2, '0')}`;
}

/** Seconds of audio, 1:07. */
export function position(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${String(Math.floor(whole / 60))}:${String(whole % 60).padStart(2, '0')}`;
}

/** Slots as pairs of words. */
export function describeSlots(slots: Slots): (readonly [name: string, value: string])[] {
  return Object.entries(slots).map(([key, value]) => {
    const name = SLOT_NAMES[key as keyof Slots] ?? key;
    const word = (one: unknown): string => VALUES[String(one)] ?? String(one);
    if (key === 'duration_min') return [name, minutes(Number(value))];
    if (value === true) return [name, '예'];
    return [name, Array.isArray(value) ? value.map(word).join(', ') : word(value)];
  });
}

const CLOSES: Record<string, string> = {
  overloaded: '지금은 모든 자리가 차 있습니다. 잠시 뒤에 다시 눌러 주세요.',
  too_many_sessions_for_key: '이 키로는 더 연결할 수 없습니다. 다른 창을 닫고 다시 눌러 주세요.',
  too_many_sessions: '지금은 모든 자리가 차 있습니다. 잠시 뒤에 다시 눌러 주세요.',
  queue_full: '서버가 바쁩니다. 잠시 뒤에 다시 눌러 주세요.',
  not_ready: '서버가 아직 준비되지 않았습니다. 잠시 뒤에 다시 눌러 주세요.',
  shutting_down: '서버가 다시 시작하고 있습니다. 잠시 뒤에 다시 눌러 주세요.',
  invalid_api_key: 'API 키가 맞지 않습니다.',
  audio_backlog_full: '서버가 소리를 따라가지 못해 멈추었습니다. 다시 눌러 주세요.',
  slow_reader: '연결이 느려 멈추었습니다. 다시 눌러 주세요.',
  session_idle: '소리가 오지 않아 끝냈습니다.',
  session_too_long: '한 번에 들을 수 있는 시간이 지나 끝냈습니다. 다시 누르면 이어집니다.',
  worker_crashed: '서버에 문제가 생겨 멈추었습니다. 다시 눌러 주세요.',
  audio_truncated: '파일이 중간에 끊겨 있습니다.',
  audio_empty: '파일에 소리가 없습니다.',
  audio_unrecognized: '소리 파일이 아니거나 모르는 형식입니다.',
  audio_unsupported_codec: '이 파일의 코덱은 아직 읽지 못합니다.',
  audio_no_track: '파일에 소리가 들어 있지 않습니다.',
  audio_corrupt: '파일이 깨져 있어 읽지 못했습니다.',
  audio_too_long: '파일이 너무 깁니다.',
  file_too_large: '파일이 너무 큽니다.',
};

export const explainError = (code: string): string =>
  CLOSES[code] ?? `문제가 생겼습니다 (${code}). 다시 시도해 주세요.`;

/** What to say, for each place. */
export const EXAMPLES: Record<string, readonly string[]> = {
  airplane: ['A4 좌석 예약해 줘', '창가 자리로 하나 잡아 줘', 'B7로 옮겨 줘', '예약 취소해 줘'],
  library: ['이십칠 번 자리 두 시간 예약해 줘', '한 시간 연장해 줘', '삼십 번으로 옮길래', '자리 반납할게요'],
};
