import en from './messages/en';
import zh from './messages/zh';
import type { Named } from './model';

export type Lang = 'zh-CN' | 'en';
export type MessageKey = keyof typeof zh;
export type Translate = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string;

const messages: Record<Lang, Record<MessageKey, string>> = { 'zh-CN': zh, en };

/** The message of a key with its {placeholders} filled. English lacks no key: the compiler sees to it. */
export function translator(lang: Lang): Translate {
  const table = messages[lang];
  return (key, values) => table[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values?.[name] ?? whole));
}

/** A code of an open set (status, channel …) in words; the code itself when there are none. */
export function word(t: Translate, family: string, code: string): string {
  const key = `${family}.${code}`;
  return key in zh ? t(key as MessageKey) : code;
}

/** The name in the language, else the Chinese one. */
export function named(lang: Lang, thing: Named): string {
  return lang === 'en' && thing.nameEn ? thing.nameEn : thing.name;
}
