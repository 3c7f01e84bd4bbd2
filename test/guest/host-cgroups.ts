// The system tests of a sandbox's cgroups, for a machine with cgroup v2: one of our guests.
import '../../src/os/polyfill.ts';
import '../../src/sandbox/cgroup/sandbox-cgroups.sys.test.ts';
import { CGROUP_ROOT } from '../../src/os/cgroup/hierarchy.ts';
import { mount, umount } from '../../src/os/mount.ts';
import { enterNamespace } from '../../src/os/namespace.ts';
import { run } from '../harness/run.ts';

// As a host's: the whole tree, not the container's part of it. Process 1 is the agent.
umount(CGROUP_ROOT);
enterNamespace('/proc/1/ns/cgroup', 'cgroup');
mount('cgroup2', CGROUP_ROOT, 'cgroup2');
run('');
