import type { Segment } from '../../recognition/contract.js';
import type { SessionEvent } from '../contract.js';

/** Where the audio of a session begins, when it continues that of another: seconds, and utterances before it. */
export interface Base {
  readonly time: number;
  readonly utterance: number;
}

/** The event as part of the whole: its times and utterances counted on from the base. */
export function counted(event: SessionEvent, base: Base): SessionEvent {
  if (base.time === 0 && base.utterance === 0) return event;
  const utterance = 'utterance' in event ? event.utterance + base.utterance : 0;
  switch (event.type) {
    case 'speech_start':
    case 'speech_end':
    case 'eager_retracted':
      return { ...event, utterance, time: event.time + base.time };
    case 'partial':
      return { ...event, utterance, start: event.start + base.time, end: event.end + base.time };
    case 'eager_end':
    case 'final':
      return { ...event, utterance, segment: later(event.segment, base) };
    case 'intent': {
      const { result } = event;
      const evidence = result.evidence.map(({ startTime, endTime, ...rest }) => ({
        ...rest,
        ...(startTime === undefined ? {} : { startTime: startTime + base.time }),
        ...(endTime === undefined ? {} : { endTime: endTime + base.time }),
      }));
      return { ...event, utterance, result: { ...result, evidence } };
    }
    case 'closed':
      return { ...event, audioSeconds: event.audioSeconds + base.time };
    default:
      return event;
  }
}

function later(segment: Segment, { time, utterance }: Base): Segment {
  return {
    ...segment,
    id: segment.id + utterance,
    start: segment.start + time,
    end: segment.end + time,
    words: segment.words.map((word) => ({ ...word, start: word.start + time, end: word.end + time })),
  };
}
