/** An option of `Device` and a driver option of `Storage`, ours: the bytes that a disk has, where it had another size before. */
export const DISK_SIZE_OPTION = 'kata_ts.size';
