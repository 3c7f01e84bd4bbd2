/** One number of a metric, with the labels that tell it from its siblings. */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** A metric of Prometheus. */
export interface Metric {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  samples: readonly Sample[];
}

/** Metrics in Prometheus's text format, version 0.0.4; one without samples is left out. */
export function formatMetrics(metrics: readonly Metric[]): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of metrics) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value } of samples) lines.push(`${name}${formatLabels(labels)} ${value}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** A number without labels. */
export const single = (value: number): Sample[] => [{ labels: {}, value }];

/** Numbers by the label `item`, after further labels. */
export function items(
  values: Readonly<Record<string, number>>,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  return Object.entries(values).map(([item, value]) => ({ labels: { ...labels, item }, value }));
}
