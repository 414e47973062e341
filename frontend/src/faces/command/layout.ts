import { onScopeDispose, shallowRef } from 'vue';

/**
 * wall: the map fills the screen between two columns. sheet: the map is above a sheet with tabs (phones).
 * side: the sheet is beside the map (small landscape screens, and text at 200 %).
 */
export type Layout = 'wall' | 'sheet' | 'side';

const WIDE = '(min-width: 64em) and (min-height: 34em)';
const LANDSCAPE = '(min-width: 44em) and (orientation: landscape)';
/** So wide that the layer tree and the charts have columns of their own. */
const VAST = '(min-width: 150em)';

/** The layout for the screen, in ems so that larger text counts as a smaller screen; and the type's scale. */
export function useLayout() {
  const queries = [WIDE, LANDSCAPE].map((q) => matchMedia(q));
  const read = (): Layout => (queries[0]?.matches ? 'wall' : queries[1]?.matches ? 'side' : 'sheet');
  const rem = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const layout = shallowRef<Layout>(read());
  const scale = shallowRef(rem() / 16);
  const size = shallowRef(0);
  const vastQuery = matchMedia(VAST);
  const vast = shallowRef(vastQuery.matches);
  const update = () => {
    vast.value = vastQuery.matches;
    layout.value = read();
    scale.value = rem() / 16;
    size.value = innerWidth * 10_000 + innerHeight;
  };
  addEventListener('resize', update);
  onScopeDispose(() => removeEventListener('resize', update));
  return { layout, scale, size, vast };
}
