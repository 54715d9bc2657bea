import type { Venue } from '../contract.js';

/** One cabin, six abreast by ten rows, aisle after C (the grid of Airplane-Seats-Reservation). */
export const AIRPLANE: Venue = {
  id: 'airplane',
  name: '비행기',
  seats: { kind: 'letter', rows: ['A', 'B', 'C', 'D', 'E', 'F'], perRow: 10, aisleAfter: [3] },
  rules: { sessionTimeoutSeconds: 120 },
};
