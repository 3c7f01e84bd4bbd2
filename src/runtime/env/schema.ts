/** What `env` shows: upstream's schema, version 1.0.27 of its Go runtime. Names and order are its. */
export const SCHEMA_VERSION = '1.0.27';

export interface EnvInfo {
  Kernel: { Path: string; Parameters: string };
  Meta: { Version: string };
  Image: { Path: string };
  Initrd: { Path: string };
  Hypervisor: {
    MachineType: string;
    Version: string;
    Path: string;
    BlockDeviceDriver: string;
    EntropySource: string;
    SharedFS: string;
    VirtioFSDaemon: string;
    /** Empty: the monitor is a socket pair, without a path. */
    SocketPath: string;
    Msize9p: number;
    MemorySlots: number;
    HotPlugVFIO: string;
    ColdPlugVFIO: string;
    PCIeRootPort: number;
    PCIeSwitchPort: number;
    Debug: boolean;
    SecurityInfo: {
      Rootless: boolean;
      DisableSeccomp: boolean;
      GuestHookPath: string;
      EnableAnnotations: readonly string[];
      ConfidentialGuest: boolean;
    };
  };
  Runtime: {
    Config: { Path: string };
    Path: string;
    GuestSeLinuxLabel: string;
    Experimental: readonly string[];
    Version: {
      OCI: string;
      Version: { Semver: string; Commit: string; Major: number; Minor: number; Patch: number };
    };
    Debug: boolean;
    Trace: boolean;
    DisableGuestSeccomp: boolean;
    DisableNewNetNs: boolean;
    SandboxCgroupOnly: boolean;
  };
  Host: {
    AvailableGuestProtections: readonly string[];
    Kernel: string;
    Architecture: string;
    Distro: { Name: string; Version: string };
    CPU: { Vendor: string; Model: string; CPUs: number };
    /** KiB. */
    Memory: { Total: number; Free: number; Available: number };
    VMContainerCapable: boolean;
    SupportVSocks: boolean;
  };
  Agent: { Debug: boolean; Trace: boolean };
}
