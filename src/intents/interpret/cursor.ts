/** Looks at tokens by position; beyond the end there is nothing, never an error. */
import { Class } from '../grammar/lexicon.js';
import type { Token } from '../grammar/lattice.js';

export class Cursor {
  constructor(readonly tokens: readonly Token[]) {}
  sense(at: number): string {
    return this.tokens[at]?.sense ?? '';
  }
  is(at: number, ...senses: string[]): boolean {
    return senses.includes(this.sense(at));
  }
  number(at: number): Token | undefined {
    const token = this.tokens[at];
    return token?.cls === Class.number ? token : undefined;
  }
  letter(at: number): Token | undefined {
    const token = this.tokens[at];
    return token?.cls === Class.letter ? token : undefined;
  }
  particle(at: number, ...senses: string[]): boolean {
    return this.tokens[at]?.cls === Class.particle && senses.includes(this.tokens[at].sense);
  }
  unit(at: number, ...senses: string[]): boolean {
    return this.tokens[at]?.cls === Class.unit && senses.includes(this.tokens[at].sense);
  }
}
