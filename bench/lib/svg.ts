// SVG text from a few shapes: what the pictures of measurements need, and no more. Pure.

/** Where something stands in its picture, in pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Distinguishable for the colour-blind too (Okabe and Ito), dark enough on white. */
const COLOURS = [
  ...['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#6a3d9a', '#7f7f7f'],
  ...['#a6761d', '#1b4f4a', '#b2182b', '#a6d854', '#f4a6c0', '#3f3f9f', '#c7c7a0', '#5c3317'],
];
export const INK = '#222';
export const FAINT = '#ddd';
const FONT_SIZE = 13;
/** About what a letter takes in a sans-serif face of that size, generously. */
const LETTER_WIDTH = 7.2;

export const colourOf = (index: number): string => COLOURS[index % COLOURS.length]!;

/** The colour of text on such a colour: whichever is read more easily. */
export function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? INK : '#fff';
}

/** The width of a text, about. */
export const widthOf = (text: string): number => text.length * LETTER_WIDTH;

/** A whole picture on white. `title` is read out, not drawn. */
export function picture(title: string, width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="${FONT_SIZE}" fill="${INK}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Text that begins, is centred or ends at a point of its base line. */
export function label(
  x: number,
  y: number,
  words: string,
  {
    anchor = 'start',
    fill = INK,
    bold = false,
  }: { anchor?: 'start' | 'middle' | 'end'; fill?: string; bold?: boolean } = {},
): string {
  const weight = bold ? ' font-weight="bold"' : '';
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${fill}"${weight}>${escaped(words)}</text>`;
}

export const rectangle = ({ x, y, width, height }: Box, fill: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;

export const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}"/>`;

/** A length with as many digits as matter. */
export const round = (value: number): string => String(Math.round(value * 10) / 10);

export const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
