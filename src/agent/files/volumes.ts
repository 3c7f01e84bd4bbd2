import { statfs } from '../../os/stat.ts';
import { type VolumeStatsResponse, VolumeUsage_Unit } from '../../protocols/gen/agent.ts';

/** How full a volume of the guest is, in bytes and in inodes. `not-found` when it isn't there. */
export function volumeStats(path: string): VolumeStatsResponse {
  const use = statfs(path);
  const usage = (total: number, available: number, unit: VolumeUsage_Unit) => ({
    total: BigInt(total),
    available: BigInt(available),
    used: BigInt(total - available),
    unit,
  });
  return {
    usage: [
      usage(use.totalBytes, use.freeBytes, VolumeUsage_Unit.BYTES),
      usage(use.totalInodes, use.freeInodes, VolumeUsage_Unit.INODES),
    ],
    volumeCondition: { abnormal: false, message: 'OK' },
  };
}
