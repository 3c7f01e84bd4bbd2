/** What an image says about running it: `config` of OCI image-spec, config.md. */
export interface ImageProcessConfig {
  User?: string;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  ExposedPorts?: Record<string, object>;
  Volumes?: Record<string, object>;
}

/** OCI image-spec, config.md, as far as it is used. */
export interface ImageConfig {
  created?: string;
  architecture: string;
  os: string;
  config: ImageProcessConfig;
}

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
