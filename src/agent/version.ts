declare const KATA_VERSION: string;

/** This agent's version, set when it is built. */
export const AGENT_VERSION: string = KATA_VERSION;
/** The version of the API that `Health.Version` tells (upstream's number). */
export const API_VERSION = '0.0.1';
