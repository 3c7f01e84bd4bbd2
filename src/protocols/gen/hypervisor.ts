// Made of hypervisor.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** Reserve a machine for a sandbox. */
export interface CreateVMRequest {
  id: string;
  annotations: { [key: string]: string };
  networkNamespacePath: string;
}
export const CreateVMRequest: MessageType<CreateVMRequest> = /* @__PURE__ */ message('1:id:s 2:annotations:s% 3:networkNamespacePath:s');

/** Where the machine's agent will be heard. */
export interface CreateVMResponse {
  agentSocketPath: string;
}
export const CreateVMResponse: MessageType<CreateVMResponse> = /* @__PURE__ */ message('1:agentSocketPath:s');

/** Boot a machine. */
export interface StartVMRequest {
  id: string;
}
export const StartVMRequest: MessageType<StartVMRequest> = /* @__PURE__ */ message('1:id:s');

/** The machine is up. */
export interface StartVMResponse {
}
export const StartVMResponse: MessageType<StartVMResponse> = /* @__PURE__ */ message('');

/** End a machine. */
export interface StopVMRequest {
  id: string;
}
export const StopVMRequest: MessageType<StopVMRequest> = /* @__PURE__ */ message('1:id:s');

/** The machine is gone. */
export interface StopVMResponse {
}
export const StopVMResponse: MessageType<StopVMResponse> = /* @__PURE__ */ message('');

/** The runtime's version. */
export interface VersionRequest {
  version: string;
}
export const VersionRequest: MessageType<VersionRequest> = /* @__PURE__ */ message('1:version:s');

/** The provider's version. */
export interface VersionResponse {
  version: string;
}
export const VersionResponse: MessageType<VersionResponse> = /* @__PURE__ */ message('1:version:s');

/** What a provider of machines answers. */
export const HypervisorDefinition = {
  fullName: 'hypervisor.Hypervisor',
  methods: {
    createVM: { name: 'CreateVM', requestType: CreateVMRequest, responseType: CreateVMResponse },
    startVM: { name: 'StartVM', requestType: StartVMRequest, responseType: StartVMResponse },
    stopVM: { name: 'StopVM', requestType: StopVMRequest, responseType: StopVMResponse },
    version: { name: 'Version', requestType: VersionRequest, responseType: VersionResponse },
  },
} as const;
export type HypervisorDefinition = typeof HypervisorDefinition;
