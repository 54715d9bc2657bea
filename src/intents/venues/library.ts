import type { SeatScheme, Venue } from '../contract.js';

const room = (count: number): SeatScheme => ({ kind: 'number', count, columns: 4, partitionEvery: 4 });

/** Three reading rooms, four columns, every fourth seat with partitions; 3 hours, one more on request (Library_alpha). */
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
