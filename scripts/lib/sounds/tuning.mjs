// Sounds and speech that thresholds are chosen on. Nothing of it is in the published suite: other songs, other knocks,
// other languages or other sentences.
import { speak } from '../espeak.mjs';
import { between, pick, seeded } from '../random.mjs';
import { music } from './music.mjs';
import { add, atLevel, samplesOf, thump } from './parts.mjs';

const SENTENCES = [
  ['en-us', 'The meeting has been moved to Thursday afternoon, so please bring your own notes.'],
  ['en-gb', 'I left my umbrella on the bus again and now it is pouring.'],
  ['it', 'Buongiorno, vorrei prenotare un tavolo per quattro persone stasera.'],
  ['pt', 'Preciso de comprar um bilhete para o comboio das nove.'],
  ['nl', 'Goedemorgen, weet u misschien waar het postkantoor is?'],
  ['sv', 'Jag skulle vilja ha en kopp kaffe och en bulle, tack.'],
  ['pl', 'Przepraszam, o której godzinie odjeżdża autobus do centrum?'],
  ['tr', 'Yarın sabah erken kalkıp denize gideceğiz.'],
  ['fi', 'Anteeksi, missä on lähin kauppa? Tarvitsen leipää ja maitoa.'],
  ['hi', 'क्या आप मुझे बता सकते हैं कि स्टेशन कहाँ है?'],
  ['id', 'Permisi, di mana saya bisa membeli tiket kereta?'],
  ['el', 'Συγγνώμη, πού είναι η στάση του λεωφορείου;'],
  ['hu', 'Elnézést, hol van a legközelebbi metróállomás?'],
  ['ro', 'Bună ziua, aș dori două bilete pentru spectacolul de diseară.'],
  ['ar', 'من فضلك، أين أقرب محطة قطار؟'],
  ['fr', 'Nous avons mangé dans un petit restaurant près de la gare.'],
  ['es', 'Mañana vamos a visitar el museo con mis abuelos.'],
  ['ja', 'あしたはあめがふるそうですから、かさをもっていってください。'],
  ['cmn', '他昨天买了一本新书，觉得非常有意思。'],
  ['de', 'Könnten Sie mir bitte sagen, wo ich eine Apotheke finde?'],
  ['ru', 'Вчера мы ездили на дачу и собирали яблоки.'],
];
const SPEAKERS = ['', '+f3', '+m2'];

/** Speech of other languages. */
export async function* otherLanguages() {
  for (const [i, [language, text]] of SENTENCES.entries())
    for (const speaker of SPEAKERS)
      yield await speak(text, { voice: language + speaker, rate: 140 + 13 * (i % 5), pitch: 40 + i });
}

/** Songs and knocks. */
export function* sounds() {
  for (let n = 0; n < 30; n++) {
    const random = seeded(6000 + n);
    const style = {
      tempo: 60 + 4 * n,
      root: 45 + (n % 14),
      chords: [[0, n % 3 === 0], [5], [7, n % 2 === 0], [9, true]],
      instrument: ['piano', 'organ', 'strings', 'pluck'][n % 4],
      lead: ['flute', 'strings', 'pluck', undefined][(n >> 1) % 4],
      drums: n % 2 === 1,
    };
    yield atLevel(music(random, 10, style), -30 + n / 2);
  }
  for (let n = 0; n < 30; n++) {
    const random = seeded(7000 + n);
    const samples = samplesOf(6);
    for (let at = 0.3; at < 5; at += between(random, 0.15, 1.35)) {
      const body = [between(random, 80, 380), between(random, 200, 700), between(random, 500, 2000)];
      add(samples, thump(random, body, between(random, 0.02, 0.1)), at, between(random, 0.4, 1.4));
    }
    yield atLevel(samples, -30 + n / 2);
  }
}

const ANSWERS = '네 예 응 아니 아니요 취소 반납 확인 좋아 구번 삼 일번 오 그래 됐어'.split(' ');
const VOICES = ['ko', 'ko+f3', 'ko+m3', 'ko+f1', 'ko+m7', 'ko+f4'];

/** Short answers, loud and 30 dB quieter: `{text, samples}`. */
export async function* shortAnswers() {
  for (const [i, text] of ANSWERS.entries())
    for (const [k, voice] of VOICES.entries()) {
      const said = await speak(text, {
        voice,
        rate: 130 + 10 * ((i + k) % 7),
        pitch: 40 + pick(seeded(i), [0, 10, 20]),
      });
      const samples = samplesOf(said.length / 16_000 + 0.8);
      samples.set(said, 6400);
      yield { text, samples };
      yield { text, samples: samples.map((sample) => sample * 0.03) };
    }
}
