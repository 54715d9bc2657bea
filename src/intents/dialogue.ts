/**
 * A conversation about one command: what is missing is asked for, what is final is confirmed, what was wrong is
 * corrected. Its state is a plain value: keep it wherever the app keeps things, send it over the wire, drop it.
 */
import type { IntentName, IntentResult, ParseOptions, Slots, Venue } from './contract.js';
import { parseIntent } from './parse.js';
import { problemsOf } from './venue.js';
import { askConfirmation, saySeat, withParticle } from './wording.js';

export type MissingSlot = 'seat' | 'room';

export interface PendingCommand {
  readonly intent: IntentName;
  readonly slots: Slots;
  /** What the next answer should be. */
  readonly awaiting: 'confirmation' | MissingSlot;
}

export interface DialogueState {
  readonly pending?: PendingCommand;
  /** When something was last said, milliseconds of the caller's clock. */
  readonly at: number;
}

export interface DialogueOptions extends Omit<ParseOptions, 'pending'> {
  /** The caller's clock, milliseconds. */
  readonly now: number;
  /** A pending command is forgotten after so many milliseconds; the venue's sessionTimeoutSeconds, else 30 s. */
  readonly timeoutMs?: number;
  /** Intents that are confirmed beside return, cancel and purchase, which always are. */
  readonly confirm?: readonly IntentName[];
  /** Below this confidence every command that changes something is confirmed. Default 0.75. */
  readonly confirmBelow?: number;
}

export interface DialogueTurn {
  readonly state: DialogueState;
  /** What to say or show. Empty where the app's own answer to the action says it all. */
  readonly reply: string;
  /** A command to carry out now. */
  readonly action?: { readonly intent: IntentName; readonly slots: Slots };
  /** `expired`: a command was pending, but too long ago. */
  readonly outcome:
    'action' | 'asked' | 'confirming' | 'dismissed' | 'not_understood' | 'problem' | 'expired' | 'idle';
  readonly result: IntentResult;
}

/** Always confirmed: what they undo or cost cannot be taken back. */
export const ALWAYS_CONFIRMED: readonly IntentName[] = ['return', 'cancel', 'purchase'];
const CHANGES = new Set<IntentName>(['reserve', 'move', 'return', 'extend', 'cancel', 'purchase']);

export const initialDialogue = (now: number): DialogueState => ({ at: now });

/** What a command still needs before it can be carried out in this venue. */
export function missingSlot(
  intent: IntentName,
  slots: Slots,
  venue: Venue | undefined,
): MissingSlot | undefined {
  const seat = slots.seat ?? slots.seats;
  const wish =
    slots.any_seat ?? slots.preference ?? slots.row ?? slots.relative ?? slots.party_size ?? slots.exclude;
  if (intent === 'reserve' || intent === 'move') {
    if (seat === undefined && wish === undefined && (slots.room === undefined || intent === 'reserve'))
      return 'seat';
    if (
      seat !== undefined &&
      slots.room === undefined &&
      intent === 'reserve' &&
      (venue?.rooms?.length ?? 0) > 1
    )
      return 'room';
  }
  if (intent === 'check_seat' && seat === undefined) return 'seat';
  return undefined;
}

function question(intent: IntentName, slot: MissingSlot): string {
  if (slot === 'room') return '몇 열람실로 할까요?';
  if (intent === 'move') return '어느 자리로 옮길까요?';
  return intent === 'check_seat' ? '어느 자리를 확인할까요?' : '어느 자리로 예약할까요?';
}

/** Slots of a correction over those of the pending command. What replaces a seat also replaces the wishes about it. */
export function correctSlots(before: Slots, correction: Slots): Slots {
  const { rejected_seat: rejectedSeat, rejected_row: _row, rejected_room: _room, ...replaced } = correction;
  const kept: Slots = { ...before };
  const place = replaced.seat ?? replaced.seats ?? replaced.row ?? replaced.any_seat ?? replaced.preference;
  if (place !== undefined) {
    for (const key of ['seat', 'seats', 'row', 'any_seat', 'relative'] as const)
      Reflect.deleteProperty(kept, key);
  }
  if (replaced.preference === undefined && (replaced.seat ?? replaced.seats) !== undefined)
    delete kept.preference;
  if (replaced.until !== undefined) delete kept.duration_min;
  if (replaced.duration_min !== undefined) delete kept.until;
  if (replaced.time !== undefined) delete kept.daypart;
  if (rejectedSeat !== undefined && kept.seat === rejectedSeat) delete kept.seat;
  return { ...kept, ...replaced };
}

function problemText(problem: IntentResult['problems'][number]): string {
  const offers = problem.suggestions.map((value) =>
    problem.slot === 'room' ? `${value}열람실` : problem.slot === 'row' ? `${value}열` : saySeat(value),
  );
  const what =
    problem.slot === 'room'
      ? `${problem.value}열람실`
      : problem.slot === 'row'
        ? `${problem.value}열`
        : problem.slot === 'floor'
          ? `${problem.value}층`
          : saySeat(problem.value);
  const sorry = `${withParticle(what, '은/는')} 없습니다.`;
  return offers.length === 0 ? sorry : `${sorry} ${withParticle(offers.join(', '), '은/는')} 어떠세요?`;
}

/** One utterance of the conversation. Pure: the same state, text and clock give the same turn. */
export function dialogueTurn(state: DialogueState, text: string, options: DialogueOptions): DialogueTurn {
  const { now, timeoutMs, confirm = [], confirmBelow = 0.75, ...parsing } = options;
  const limit = timeoutMs ?? (options.venue?.rules?.sessionTimeoutSeconds ?? 30) * 1000;
  const expired = state.pending !== undefined && now - state.at > limit;
  const pending = expired ? undefined : state.pending;
  const result = parseIntent(text, {
    ...parsing,
    ...(pending === undefined ? {} : { pending: { intent: pending.intent, slots: pending.slots } }),
  });
  const idle: DialogueState = { at: now };
  const turn = (
    outcome: DialogueTurn['outcome'],
    reply: string,
    next: DialogueState = idle,
  ): DialogueTurn => ({ state: next, reply, outcome, result });
  const repeat = (): string =>
    pending === undefined
      ? ''
      : pending.awaiting === 'confirmation'
        ? askConfirmation(pending.intent, pending.slots)
        : question(pending.intent, pending.awaiting);

  const proceed = (intent: IntentName, slots: Slots, confidence: number): DialogueTurn => {
    const problem = problemsOf({ slots }, options.venue).at(0);
    if (problem !== undefined) {
      const without = { ...slots };
      Reflect.deleteProperty(without, problem.slot);
      return turn('problem', problemText(problem), {
        pending: { intent, slots: without, awaiting: problem.slot === 'room' ? 'room' : 'seat' },
        at: now,
      });
    }
    const missing = missingSlot(intent, slots, options.venue);
    if (missing !== undefined)
      return turn('asked', question(intent, missing), {
        pending: { intent, slots, awaiting: missing },
        at: now,
      });
    const asks =
      ALWAYS_CONFIRMED.includes(intent) ||
      confirm.includes(intent) ||
      (CHANGES.has(intent) && confidence < confirmBelow);
    if (asks)
      return turn('confirming', askConfirmation(intent, slots), {
        pending: { intent, slots, awaiting: 'confirmation' },
        at: now,
      });
    return { ...turn('action', ''), action: { intent, slots } };
  };

  switch (result.intent) {
    case 'none':
      if (pending !== undefined)
        return turn('not_understood', `잘 알아듣지 못했어요. ${repeat()}`, { pending, at: now });
      return expired
        ? turn('expired', '시간이 지나 처음부터 다시 말씀해 주세요.')
        : turn('not_understood', '');
    case 'confirm':
      if (pending === undefined)
        return expired ? turn('expired', '시간이 지나 처음부터 다시 말씀해 주세요.') : turn('idle', '');
      if (pending.awaiting !== 'confirmation') return turn('asked', repeat(), { pending, at: now });
      return { ...turn('action', ''), action: { intent: pending.intent, slots: pending.slots } };
    case 'deny':
      return pending === undefined ? turn('idle', '') : turn('dismissed', '네, 하지 않을게요.');
    case 'correct':
      if (pending === undefined) return turn('idle', '');
      return proceed(pending.intent, correctSlots(pending.slots, result.slots), result.confidence);
    case 'cancel':
      // 취소 while a command waits takes that command back; a named reservation is another matter.
      if (pending !== undefined && pending.intent !== 'cancel' && Object.keys(result.slots).length === 0)
        return turn('dismissed', '네, 하지 않을게요.');
      return proceed('cancel', result.slots, result.confidence);
    default: {
      const same = pending?.intent === result.intent && pending.awaiting !== 'confirmation';
      const slots = same ? correctSlots(pending.slots, result.slots) : result.slots;
      return proceed(result.intent, slots, result.confidence);
    }
  }
}
