declare const KATA_VERSION: string;

/** The project's version, from package.json at build time. */
export const VERSION: string = KATA_VERSION;
