// Progress on long steps.

const live = Boolean(process.stdout.isTTY);

/** @param {number} since A value of performance.now(). */
export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Does a long step, and tells when it starts and how long it took. On a terminal its line is alive meanwhile.
 * @template T
 * @param {string} title What is being done.
 * @param {(tell: (detail: string) => void) => Promise<T>} work `tell` adds what it is at just now.
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const start = performance.now();
  let detail = '';
  const line = () => `  ${title} … ${detail && `${detail} `}`;
  if (!live) console.log(line().trimEnd());
  const show = () =>
    process.stdout.write(`\r\x1b[K${line()}${seconds(start)}`.slice(0, (process.stdout.columns || 80) + 4));
  const timer = live ? setInterval(show, 100) : undefined;
  let ended = 'failed after';
  try {
    const result = await work((text) => {
      detail = text;
    });
    ended = 'done in';
    return result;
  } finally {
    clearInterval(timer);
    console.log(`${live ? '\r\x1b[K' : ''}  ${title}: ${ended} ${seconds(start)}`);
  }
}
