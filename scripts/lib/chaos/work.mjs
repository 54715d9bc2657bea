/** The work of a chaos run that needs no model: a few pieces of nothing. What a job results in depends on its name alone. */
export const PIECES = 4;

const pieceOf = (id, index) => `${id} piece ${index}`;

export const segmentOf = (id, index) => ({
  id: index,
  start: index,
  end: index + 1,
  text: pieceOf(id, index),
  words: [],
  confidence: 1,
  avgLogProb: 0,
  noSpeechProb: 0,
  alternatives: [],
});

/** What lies in the result of a job that nothing disturbed. */
export const resultOf = (id) =>
  JSON.stringify(Array.from({ length: PIECES }, (_, index) => pieceOf(id, index)));
