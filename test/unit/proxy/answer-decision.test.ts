import { describe, expect, test } from 'vitest';
import { type AnswerAction, type AnswerFacts, answerDecision } from '../../../src/proxy/answer-decision.ts';

const USUAL = { invite: true, status: 200, phase: 'open', from: 'current', cancelled: false } as const;
const decide = (facts: Partial<AnswerFacts>): AnswerAction => answerDecision({ ...USUAL, ...facts });

/** Every combination that can come. */
const ALL: readonly AnswerFacts[] = [true, false].flatMap((invite) =>
  [100, 180, 200, 302, 486, 503, 600].flatMap((status) =>
    (['open', 'answered', 'refused'] as const).flatMap((phase) =>
      (['current', 'answerer', 'left'] as const).flatMap((from) =>
        [true, false].flatMap((cancelled) =>
          // Nobody has answered before somebody has, and who has refused has no answerer.
          from === 'answerer' && phase !== 'answered' ? [] : [{ invite, status, phase, from, cancelled }],
        ),
      ),
    ),
  ),
);

describe('an answer', () => {
  test.each<[string, Partial<AnswerFacts>, AnswerAction]>([
    ['100 of the hop that is asked', { status: 100 }, 'trying'],
    ['180', { status: 180 }, 'pass'],
    ['180 to a call that was cancelled', { status: 180, cancelled: true }, 'cancel'],
    ['180 of a hop that was left', { status: 180, from: 'left' }, 'cancel'],
    ['180 after the 408', { status: 180, phase: 'refused' }, 'cancel'],
    ['180 late, of who has answered', { status: 180, phase: 'answered', from: 'answerer' }, 'drop'],
    ['100 to a MESSAGE', { status: 100, invite: false }, 'drop'],
    ['486', { status: 486 }, 'finish'],
    ['486 again', { status: 486, phase: 'answered', from: 'answerer' }, 'finish'],
    ['486 of a hop that was left', { status: 486, from: 'left' }, 'acknowledge'],
    ['503', { status: 503 }, 'next'],
    ['503 of a hop that was left', { status: 503, from: 'left' }, 'acknowledge'],
    ['503 of a left hop to a MESSAGE', { status: 503, from: 'left', invite: false }, 'drop'],
    ['404 of a left hop to a MESSAGE', { status: 404, from: 'left', invite: false }, 'finish'],
    ['487 after the 408', { status: 487, phase: 'refused' }, 'acknowledge'],
    ['200 after the 408', { status: 200, phase: 'refused' }, 'finish'],
    [
      '200 to a MESSAGE after its end',
      { status: 200, phase: 'answered', from: 'left', invite: false },
      'drop',
    ],
  ])('%s', (_, facts, action) => {
    expect(decide(facts)).toBe(action);
  });

  test('that takes a call always reaches the caller', () => {
    const taken = ALL.filter(({ invite, status }) => invite && status === 200);
    expect(new Set(taken.map(answerDecision))).toEqual(new Set(['finish']));
  });

  test('that ends an INVITE without taking it is acknowledged by the caller, by us, or by who tries the next hop', () => {
    const refusals = ALL.filter(({ invite, status }) => invite && status >= 300);
    expect(new Set(refusals.map(answerDecision))).toEqual(new Set(['finish', 'acknowledge', 'next']));
  });

  test('to anything but an INVITE is never cancelled, acknowledged, or passed before it is final', () => {
    const others = ALL.filter(({ invite }) => !invite);
    expect(new Set(others.map(answerDecision))).toEqual(new Set(['finish', 'next', 'drop']));
  });

  test('reaches a caller who has one already only as the same one again, or as a call taken', () => {
    const late = ALL.filter((facts) => facts.phase !== 'open' && answerDecision(facts) === 'finish');
    for (const { from, invite, status } of late)
      expect(from === 'answerer' || (invite && status === 200)).toBe(true);
  });
});
