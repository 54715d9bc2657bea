/** The two places of the page, as the API takes them. */
import type { SeatScheme, Venue } from '../intents/contract.js';

export const AIRPLANE: Venue = {
  id: 'airplane',
  name: '비행기',
  seats: { kind: 'letter', rows: ['A', 'B', 'C', 'D', 'E', 'F'], perRow: 10, aisleAfter: [3] },
};

const room = (count: number): SeatScheme => ({ kind: 'number', count, columns: 4, partitionEvery: 4 });

export const LIBRARY: Venue = {
  id: 'library',
  name: '열람실',
  seats: room(100),
  rooms: [
    { id: '1', name: '제1열람실', seats: room(72) },
    { id: '2', name: '제2열람실', seats: room(100) },
    { id: '3', name: '제3열람실', seats: room(100) },
  ],
  rules: { reserveMinutes: 180, extendMinutes: 60 },
};

export const VENUES: readonly Venue[] = [AIRPLANE, LIBRARY];

/** Seats of a scheme in their order. */
export function seatIds(scheme: SeatScheme): string[] {
  switch (scheme.kind) {
    case 'letter':
      return Array.from({ length: scheme.perRow }, (_, row) =>
        scheme.rows.map((letter) => `${letter}${String(row + 1)}`),
      ).flat();
    case 'number':
      return Array.from({ length: scheme.count }, (_, index) => String(index + 1));
    case 'row-position':
      return Array.from({ length: scheme.rows }, (_, row) =>
        Array.from({ length: scheme.perRow }, (_, position) => `${String(row + 1)}-${String(position + 1)}`),
      ).flat();
  }
}

export function schemeOf(venue: Venue, roomId: string | undefined): SeatScheme {
  return venue.rooms?.find((one) => one.id === roomId)?.seats ?? venue.seats;
}
