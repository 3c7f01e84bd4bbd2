/** The value of `name=value` among options, the last of several; undefined when it is not there. */
export function optionValue(options: readonly string[], name: string): string | undefined {
  return optionValues(options, name).at(-1);
}

/** The values of every `name=value` among options. */
export function optionValues(options: readonly string[], name: string): string[] {
  return options.filter((option) => option.startsWith(`${name}=`)).map((option) => option.slice(name.length + 1));
}
