// The system tests of a sandbox's cgroups, for a machine with cgroup v2: one of our guests.
import '../../src/os/polyfill.ts';
import '../../src/sandbox/cgroup/sandbox-cgroups.sys.test.ts';
import { joinCgroup } from '../../src/os/cgroup/cgroup-files.ts';
import { CGROUP_ROOT } from '../../src/os/cgroup/hierarchy.ts';
import { makeDirectory } from '../../src/os/directory.ts';
import { run } from '../harness/run.ts';

// The root of what a container sees is no root: it has this process, or cgroups with controllers below it.
makeDirectory(`${CGROUP_ROOT}/init`);
joinCgroup(`${CGROUP_ROOT}/init`);
run('');
