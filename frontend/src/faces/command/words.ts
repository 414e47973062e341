export { createWords, useWords, WORDS, type Words } from '@/core/words';
