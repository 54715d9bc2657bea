// Speech that is not Korean, by espeak-ng where it is installed. The sentences are ours.
import { speak } from '../espeak.mjs';

const SENTENCES = [
  ['English', 'en-us', 'Excuse me, could you tell me which platform the train to the airport leaves from?'],
  ['English, British', 'en-gb+f3', 'We had a lovely walk along the river before it started raining again.'],
  ['Japanese', 'ja', 'すみません、このでんしゃはくうこうまでいきますか。'],
  ['Japanese, woman', 'ja+f2', 'きのうのよるはともだちといっしょにばんごはんをたべました。'],
  ['Chinese', 'cmn', '请问去火车站怎么走，我想买两张票。'],
  ['Chinese, woman', 'cmn+f4', '今天天气很好，我们去公园散步吧。'],
  ['German', 'de', 'Entschuldigung, wann fährt der nächste Zug nach Hamburg ab?'],
  ['German, woman', 'de+f2', 'Meine Schwester wohnt seit drei Jahren in einer kleinen Wohnung am See.'],
  ['French', 'fr', 'Bonjour, je voudrais une baguette et deux croissants, s’il vous plaît.'],
  ['Spanish', 'es', '¿Dónde está la biblioteca? Tengo que devolver este libro hoy.'],
  ['Russian', 'ru', 'Скажите, пожалуйста, когда открывается музей?'],
  ['Vietnamese', 'vi', 'Xin lỗi, tôi muốn hỏi đường đến bệnh viện gần nhất.'],
];

/** Sounds as those of the suite. */
export async function* foreign() {
  for (const [name, voice, text] of SENTENCES)
    yield { name, kind: 'other languages', samples: await speak(text, { voice, rate: 160, pitch: 50 }) };
}
