// node setup/build.mjs: set-up and build, without running anything.
import { prepare } from './prepare.mjs';
import { main } from './run.mjs';

await main(() => prepare({ forTests: false }));
