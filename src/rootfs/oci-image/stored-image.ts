/** An image that is on this machine. */
export interface StoredImage {
  /** `docker.io/library/busybox:latest`. */
  name: string;
  /** Of the manifest: `sha256:…`. */
  digest: string;
  /** The OCI image layout that holds it. */
  layout: string;
  /** Of all its blobs, compressed as they are. */
  sizeBytes: number;
  /** Came with the installation: cannot be removed. */
  builtIn: boolean;
}
