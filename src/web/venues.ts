/** The two places of the page, as the API takes them. */
import type { SeatScheme, Venue } from '../intents/contract.js';
import { AIRPLANE } from '../intents/venues/airplane.js';
import { LIBRARY } from '../intents/venues/library.js';

export { AIRPLANE, LIBRARY };

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
