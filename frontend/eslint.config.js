import vue from 'eslint-plugin-vue';
import tseslint from 'typescript-eslint';
import parser from 'vue-eslint-parser';

// The walls: faces import core, map and ui, never one another; map and ui import core; core imports nothing of ours;
// MapLibre is known to src/map alone.
const maplibre = { group: ['maplibre-gl', 'maplibre-gl/*'], message: 'Only src/map imports MapLibre.' };
const wall = (files, groups) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: groups }],
  },
});
const own = (group, message) => ({ group, message });

export default [
  { ignores: ['dist/**', 'node_modules/**', 'e2e/out/**', 'src/core/api.gen.ts'] },
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.ts', '**/*.vue'],
    languageOptions: { parser, parserOptions: { parser: tseslint.parser, sourceType: 'module' } },
    rules: {
      // Formatting is biome's.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/no-v-html': 'error',
      'vue/no-static-inline-styles': 'error',
      'vue/require-default-prop': 'off',
    },
  },
  wall(
    ['src/core/**'],
    [
      maplibre,
      own(['@/map/*', '@/ui/*', '@/faces/*', '../map/*', '../ui/*', '../faces/*'], 'core imports nothing of ours.'),
    ],
  ),
  wall(['src/map/**'], [own(['@/ui/*', '@/faces/*', '../ui/*', '../faces/*'], 'map imports core only.')]),
  wall(['src/ui/**'], [maplibre, own(['@/map/*', '@/faces/*', '../map/*', '../faces/*'], 'ui imports core only.')]),
  ...['command', 'field', 'ui'].map((face) =>
    wall(
      [`src/faces/${face}/**`],
      [
        maplibre,
        own([`@/faces/!(${face})/**`, `@/faces/!(${face})`, `../!(${face})/**`], 'A face never imports another.'),
      ],
    ),
  ),
  wall(['src/main.ts', 'src/App.vue'], [maplibre]),
];
