/** What a key of configuration.toml may hold. `strings` and `integers` are lists, `tables` an array of tables. */
export type ValueType = 'string' | 'boolean' | 'integer' | 'number' | 'strings' | 'integers' | 'tables';
export type KeyValue = string | boolean | number | bigint | readonly string[] | readonly number[] | readonly object[];

/** One key of a section. */
export interface KeyRule {
  type: ValueType;
  /** What holds when the key is not set; undefined when upstream's build decides it, or when there is no such value. */
  default?: KeyValue;
  /** The smallest and the largest value, both allowed. */
  min?: number;
  max?: number;
  /** The only values allowed. */
  words?: readonly string[];
  /** True when a value is acted on. Any other key that is set to something else than its default is named in a warning. */
  acted?: boolean;
  /** Values of an acted key that are acted on; any other allowed one is named in a warning. */
  served?: readonly string[];
  /**
   * Why any other value than the default, or one that is served, cannot be served: a sandbox that asks for one is not
   * started. For what changes who is protected from whom, or what the guest is; what only tunes is warned of.
   */
  refused?: string;
  /** Set in every file of upstream, but without meaning as long as another, served key is what it is: no warning. */
  idle?: boolean;
}

/** Of upstream's Rust runtime. `trace` and `debug` are what `enable_debug` is to the Go runtime. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'critical'] as const;

export type KeyTable = Readonly<Record<string, KeyRule>>;

type Extra = Omit<KeyRule, 'type' | 'default'>;

export const text = (byDefault?: string, extra: Extra = {}): KeyRule => rule('string', byDefault, extra);
export const flag = (byDefault = false, extra: Extra = {}): KeyRule => rule('boolean', byDefault, extra);
export const integer = (byDefault: number | bigint, extra: Extra = {}): KeyRule =>
  rule('integer', byDefault, { min: 0, ...extra });
export const number = (byDefault: number, extra: Extra = {}): KeyRule => rule('number', byDefault, extra);
export const strings = (byDefault?: readonly string[], extra: Extra = {}): KeyRule => rule('strings', byDefault, extra);
export const tables = (extra: Extra = {}): KeyRule => rule('tables', [], extra);

function rule(type: ValueType, byDefault: KeyValue | undefined, extra: Extra): KeyRule {
  return byDefault === undefined ? { type, ...extra } : { type, default: byDefault, ...extra };
}
