import { describe, expect, it } from 'vitest';
import { bindView, formatView, parseView, START, type View } from '@/core/url';

describe('the view in the address', () => {
  const views: [string, Partial<View>, string][] = [
    ['the start needs no query', {}, ''],
    ['a town', { place: '441900122000' }, '?place=441900122000'],
    ['a grid', { place: '441900122001003' }, '?place=441900122001003'],
    ['no layer at all is not the default', { layers: [] }, '?layers='],
    [
      'layers with opacity',
      {
        layers: [
          { code: 'a', opacity: 1 },
          { code: 'b_2', opacity: 0.4 },
        ],
      },
      '?layers=a,b_2:0.4',
    ],
    ['metric', { metric: 'overdue' }, '?by=overdue'],
    ['a moment of the past', { moment: Date.parse('2026-11-25T08:30:00Z') }, '?moment=2026-11-25T08:30:00Z'],
    ['card', { card: { kind: 'event', id: 42 } }, '?card=event.42'],
    [
      'an area',
      {
        area: [
          [113.5, 23],
          [113.75, 23.00001],
          [113.6, 23.25],
        ],
      },
      '?area=113.50000,23.00000;113.75000,23.00001;113.60000,23.25000',
    ],
    ['camera', { camera: { lon: 113.7, lat: 23.05, zoom: 11.5 } }, '?at=113.70000,23.05000,11.50'],
    ['language and theme', { lang: 'en', theme: 'light' }, '?lang=en&theme=light'],
  ];
  it.each(views)('%s', (_, change, query) => {
    const view = { ...START, ...change };
    expect(formatView(view)).toBe(query);
    expect(parseView(query)).toEqual(view);
  });

  it.each([
    '?place=12',
    '?place=44190012200a',
    '?by=risk',
    '?card=person.1',
    '?card=event.x',
    '?card=event.1234567890123456789',
    '?area=1,2;3,4',
    '?area=1,2;3,4;5,x',
    '?area=1,2;3,4;500,6',
    `?area=${'1,2;'.repeat(200)}3,4`,
    '?moment=yesterday',
    '?moment=2026-11-25T08:30:07Z',
    '?moment=2026-99-25T08:30:00Z',
    '?at=1,2',
    '?at=200,0,5',
    '?at=0,89,5',
    '?at=0,0,99',
    '?at=a,b,c',
    '?lang=fr&theme=pink',
    '?%E0%A4%A',
  ])('%s falls back to the start', (query) => expect(parseView(query)).toEqual(START));

  it('drops malformed and repeated layers and keeps opacity within what can be seen', () => {
    expect(parseView('?layers=a,A!,a,b:0,c:1.9,d:x').layers).toEqual([
      { code: 'a', opacity: 1 },
      { code: 'b', opacity: 0.1 },
      { code: 'c', opacity: 1 },
    ]);
  });

  it('goes back by the browser and adjusts without a step', async () => {
    history.replaceState(null, '', '/command');
    const state = bindView();
    state.go({ place: '441900122000' });
    state.adjust({ metric: 'open' });
    expect(location.search).toBe('?place=441900122000&by=open');
    history.replaceState(null, '', '/command?place=441900123000');
    dispatchEvent(new PopStateEvent('popstate'));
    expect(state.view.value.place).toBe('441900123000');
    state.close();
    history.replaceState(null, '', '/command');
    dispatchEvent(new PopStateEvent('popstate'));
    expect(state.view.value.place).toBe('441900123000');
  });
});
