import type { KeyRule, KeyValue } from '../keys/rule.ts';
import type { AnnotationRule } from './annotation-table.ts';

/** The words that upstream's runtimes take for a truth value: those of Go's strconv.ParseBool. */
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/**
 * What an annotation's text says, of the type that its key has. What cannot be read is returned as the text that it is, for
 * `checkValue` to refuse.
 */
export function parseAnnotation(text: string, annotation: AnnotationRule, key: KeyRule): KeyValue {
  switch (key.type) {
    case 'boolean':
      return TRUE.includes(text) ? true : FALSE.includes(text) ? false : text;
    case 'integer':
      return /^\d{1,19}$/.test(text) ? integer(text) : text;
    case 'number':
      return /^\d+(?:\.\d*)?$|^\.\d+$/.test(text) ? Number(text) : text;
    case 'strings':
      return listOf(text, annotation.list);
    default:
      return text;
  }
}

function integer(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function listOf(text: string, how: AnnotationRule['list']): KeyValue {
  if (how === 'json') {
    try {
      return JSON.parse(text) as string[];
    } catch {
      return text;
    }
  }
  return text
    .split(how === 'semicolons' ? ';' : ' ')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
