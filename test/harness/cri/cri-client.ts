// Kubernetes' container runtime interface, as kubelet speaks it, for tests: gRPC on containerd's socket.
import path from 'node:path';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Fields of a message; what is left out has protobuf's default. */
export type Fields = Record<string, unknown>;

export interface PodStatus {
  id: string;
  state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
  network: { ip: string; additional_ips: { ip: string }[] } | null;
}

export interface ContainerStatus {
  id: string;
  state: 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';
  exit_code: number;
  reason: string;
  message: string;
  started_at: number;
  finished_at: number;
}

export interface ExecResult {
  stdout: string;
  stderr: string;
  status: number;
}

export interface Usage {
  cpu: { usage_core_nano_seconds: { value: number } } | null;
  memory: { working_set_bytes: { value: number } } | null;
}

export interface PodUsage extends Usage {
  network: { default_interface: { name: string; rx_bytes: { value: number } } | null } | null;
  containers: (Usage & { attributes: { id: string } })[];
}

/** Longer than any call takes under emulation. */
const LIMIT_MS = 60_000;

type Unary = (request: Fields, options: grpc.CallOptions, done: grpc.requestCallback<Fields>) => void;

/** One connection to a containerd's CRI plugin. What a call throws has gRPC's `code` and `details`. */
export class CriClient {
  readonly #runtime: grpc.Client;
  readonly #images: grpc.Client;

  constructor(socket: string) {
    const definition = loadSync(path.resolve('test/harness/cri/cri.proto'), {
      keepCase: true,
      longs: Number,
      enums: String,
      defaults: true,
    });
    const { runtime } = grpc.loadPackageDefinition(definition) as unknown as {
      runtime: { v1: Record<string, grpc.ServiceClientConstructor> };
    };
    const connect = (service: string) =>
      new runtime.v1[service]!(`unix://${socket}`, grpc.credentials.createInsecure(), {
        'grpc.default_authority': 'localhost',
        'grpc.max_receive_message_length': 32 << 20,
      });
    this.#runtime = connect('RuntimeService');
    this.#images = connect('ImageService');
  }

  async call<T>(method: string, request: Fields = {}): Promise<T> {
    const client = (method === 'ImageStatus' ? this.#images : this.#runtime) as unknown as Record<string, Unary>;
    const unary = promisify(client[method]!.bind(client)) as (
      request: Fields,
      options: grpc.CallOptions,
    ) => Promise<Fields>;
    return (await unary(request, { deadline: Date.now() + LIMIT_MS })) as T;
  }

  async runPod(config: Fields, handler: string): Promise<string> {
    const request = { config, runtime_handler: handler };
    return (await this.call<{ pod_sandbox_id: string }>('RunPodSandbox', request)).pod_sandbox_id;
  }

  async stopPod(id: string): Promise<void> {
    await this.call('StopPodSandbox', { pod_sandbox_id: id });
  }

  async removePod(id: string): Promise<void> {
    await this.call('RemovePodSandbox', { pod_sandbox_id: id });
  }

  async podStatus(id: string): Promise<PodStatus> {
    return (await this.call<{ status: PodStatus }>('PodSandboxStatus', { pod_sandbox_id: id })).status;
  }

  async pods(): Promise<string[]> {
    return (await this.call<{ items: { id: string }[] }>('ListPodSandbox')).items.map(({ id }) => id);
  }

  async create(podId: string, config: Fields, podConfig: Fields): Promise<string> {
    const request = { pod_sandbox_id: podId, config, sandbox_config: podConfig };
    return (await this.call<{ container_id: string }>('CreateContainer', request)).container_id;
  }

  async start(id: string): Promise<void> {
    await this.call('StartContainer', { container_id: id });
  }

  async stop(id: string, timeoutS = 0): Promise<void> {
    await this.call('StopContainer', { container_id: id, timeout: timeoutS });
  }

  async remove(id: string): Promise<void> {
    await this.call('RemoveContainer', { container_id: id });
  }

  async status(id: string): Promise<ContainerStatus> {
    return (await this.call<{ status: ContainerStatus }>('ContainerStatus', { container_id: id })).status;
  }

  async containers(): Promise<string[]> {
    return (await this.call<{ containers: { id: string }[] }>('ListContainers')).containers.map(({ id }) => id);
  }

  /** Runs a program to its end. A `timeoutS` of 0 is none. */
  async exec(id: string, cmd: string[], timeoutS = 0): Promise<ExecResult> {
    const answer = await this.call<{ stdout: Buffer; stderr: Buffer; exit_code: number }>('ExecSync', {
      container_id: id,
      cmd,
      timeout: timeoutS,
    });
    return { stdout: answer.stdout.toString(), stderr: answer.stderr.toString(), status: answer.exit_code };
  }

  async stats(id: string): Promise<Usage> {
    return (await this.call<{ stats: Usage }>('ContainerStats', { container_id: id })).stats;
  }

  async podStats(id: string): Promise<PodUsage> {
    return (await this.call<{ stats: { linux: PodUsage } }>('PodSandboxStats', { pod_sandbox_id: id })).stats.linux;
  }

  /** Where a stream of this kind is to be had. */
  async stream(method: 'Exec' | 'Attach' | 'PortForward', request: Fields): Promise<string> {
    return (await this.call<{ url: string }>(method, request)).url;
  }

  async hasImage(image: string): Promise<boolean> {
    return (await this.call<{ image: unknown }>('ImageStatus', { image: { image } })).image !== null;
  }

  close(): void {
    this.#runtime.close();
    this.#images.close();
  }
}
