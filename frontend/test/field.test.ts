import { describe, expect, test } from 'vitest';
import type { Item } from '@/core/outbox/store';
import { type Action, offered } from '@/faces/field/work';

const actions = (...steps: string[]): Action[] => steps.map((step) => ({ step, to: '', needs: [], photos: 0 }));
const took = (step: string, state: Item['state']) =>
  ({ body: { step }, state, seen: state === 'sent' ? 1 : 2 }) as unknown as Item;

describe('the steps that a phone offers', () => {
  const handling = actions('feedback', 'arrive', 'note', 'verify');
  test.each([
    ['what the server allows and a phone can', actions('verify', 'start'), [], ['start']],
    ['after a step that waits, what will be allowed then', actions('start'), [took('start', 'waiting')], 'arrive'],
    [
      'no step twice, while the answer is older than it',
      actions('start'),
      [{ ...took('start', 'sent'), seen: 2 }],
      'arrive',
    ],
    ['not to arrive again', handling, [took('start', 'sent'), took('arrive', 'sent')], ['feedback', 'note']],
    ['not to arrive again, before it was sent', handling, [took('arrive', 'waiting')], ['feedback', 'note']],
    [
      'to arrive again when it was taken over again',
      handling,
      [took('arrive', 'sent'), took('start', 'sent')],
      ['arrive', 'feedback', 'note'],
    ],
    ['nothing more once it was fed back', handling, [took('feedback', 'waiting')], []],
  ])('%s', (_, allowed, taken, want) => {
    const steps = offered(allowed, taken, 2).map((a) => a.step);
    if (typeof want === 'string') expect(steps[0]).toBe(want);
    else expect(steps).toEqual(want);
  });
});
