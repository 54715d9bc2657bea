/** How text is pronounced, by es-hangul's standard pronunciation rules, cached: the rules are too slow to run per frame. */
import { standardizePronunciation } from 'es-hangul';

const CACHE_SIZE = 5000;
const cache = new Map<string, string>();

/** Standard pronunciation of a text, word by word (예약해 -> 예야캐). Words above 30 syllables are left as they are. */
export function pronounce(text: string): string {
  return text.replace(/[가-힣]{1,30}/g, (word) => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    let said = word;
    try {
      said = standardizePronunciation(word, { hardConversion: false });
    } catch {
      // A form its rules do not know is pronounced as it is spelled.
    }
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '');
    cache.set(word, said);
    return said;
  });
}
