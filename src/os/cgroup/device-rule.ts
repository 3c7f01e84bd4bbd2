/** What a process wants of a device (`BPF_DEVCG_ACC_*` of linux/bpf.h). */
export const ACCESS = { MKNOD: 1, READ: 2, WRITE: 4 } as const;
/** Every access at once. */
export const ALL_ACCESS = ACCESS.MKNOD | ACCESS.READ | ACCESS.WRITE;
/** The type of a device (`BPF_DEVCG_DEV_*`). */
export const DEVICE_TYPE = { BLOCK: 1, CHARACTER: 2 } as const;

/** A rule for the kernel's numbers; null stands for every type or number. */
export interface DeviceRule {
  allow: boolean;
  type: number | null;
  major: number | null;
  minor: number | null;
  /** `ACCESS` bits. */
  access: number;
}

/** For each access that is wanted the last rule that names device and access decides; `allowByDefault` when none does. */
export interface DeviceRules {
  allowByDefault: boolean;
  rules: readonly DeviceRule[];
}
