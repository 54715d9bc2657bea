/** Korean for what the jobs page shows. */
import type { JobState } from '../../jobs/contract.js';
import { clock, explainError, position } from '../wording.js';
import type { JobView } from './service.js';

export const STATES: Record<JobState, string> = {
  queued: '기다리는 중',
  active: '받아쓰는 중',
  completed: '끝남',
  failed: '실패',
  cancelled: '취소됨',
};

const ERRORS: Record<string, string> = {
  not_found: '이 서버는 파일 작업을 받지 않습니다.',
  job_not_found: '이 작업은 이미 지워졌습니다.',
  job_queue_full: '기다리는 작업이 너무 많습니다. 잠시 뒤에 다시 시도해 주세요.',
  job_queue_unavailable: '작업 줄에 연결하지 못했습니다. 잠시 뒤에 다시 시도해 주세요.',
  object_not_found: '소리 파일이 서버에서 지워졌습니다.',
  result_expired: '결과의 보관 기한이 지났습니다.',
  storage_full: '서버의 저장 공간이 모자랍니다.',
  upload_not_found: '올리던 파일이 서버에 없습니다. 다시 올려 주세요.',
  offline: '서버에 연결하지 못했습니다.',
};

export const explain = (code: string): string => ERRORS[code] ?? explainError(code);

/** 1.5 MB */
export function size(bytes: number): string {
  const [value, unit] =
    bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${value < 10 ? value.toFixed(1) : String(Math.round(value))} ${unit}`;
}

/** Hours too: 1:02:05 */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 3600) return position(whole);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${String(Math.floor(whole / 3600))}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

/** How far a job is. */
export function describe({ state, progress, position: place, estimated_finish_at, error }: JobView): string {
  const { done_seconds: done, total_seconds: total } = progress;
  switch (state) {
    case 'queued':
    case 'active': {
      const parts = [STATES[state]];
      if (state === 'queued' && place !== undefined)
        parts.push(place === 1 ? '다음 차례' : `${String(place)}번째`);
      if (done > 0)
        parts.push(total === undefined ? duration(done) : `${duration(done)} / ${duration(total)}`);
      if (estimated_finish_at !== undefined) parts.push(`${clock(Date.parse(estimated_finish_at))}쯤 끝남`);
      return parts.join(' · ');
    }
    case 'completed':
      return `${STATES.completed} · ${duration(total ?? done)}`;
    case 'failed':
      return explain(error?.code ?? '');
    case 'cancelled':
      return STATES.cancelled;
  }
}
