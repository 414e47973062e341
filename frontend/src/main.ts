import './ui/tokens.css';
import { createApp } from 'vue';
import { FACES, faceOf } from './faces/faces';

const face = faceOf(location.pathname);
if (face) {
  const { default: root } = await face();
  createApp(root).mount('#app');
} else {
  // An address that no face knows: open the first one, as "/" does.
  location.replace(`/${Object.keys(FACES)[0] ?? ''}`);
}
