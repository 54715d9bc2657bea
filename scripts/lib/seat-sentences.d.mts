export interface SeatSentence {
  readonly id: string;
  readonly venue: 'library' | 'airplane';
  readonly intent: string;
  readonly seat?: string;
  readonly text: string;
}
export const VOICES: readonly string[];
export function seatSentences(half: 'development' | 'report'): SeatSentence[];
