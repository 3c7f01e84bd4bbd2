// Made of health.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** Which service is meant; empty for all. */
export interface CheckRequest {
  service: string;
}
export const CheckRequest: MessageType<CheckRequest> = /* @__PURE__ */ message('1:service:s');

/** Whether it serves. */
export interface HealthCheckResponse {
  status: HealthCheckResponse_ServingStatus;
}
export const HealthCheckResponse: MessageType<HealthCheckResponse> = /* @__PURE__ */ message('1:status:e');

/** The three answers. */
export const HealthCheckResponse_ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2 } as const;
export type HealthCheckResponse_ServingStatus = (typeof HealthCheckResponse_ServingStatus)[keyof typeof HealthCheckResponse_ServingStatus];

/** Version of the API and of the agent. */
export interface VersionCheckResponse {
  grpcVersion: string;
  agentVersion: string;
}
export const VersionCheckResponse: MessageType<VersionCheckResponse> = /* @__PURE__ */ message('1:grpcVersion:s 2:agentVersion:s');

/** Answered by the agent beside AgentService. */
export const HealthDefinition = {
  fullName: 'grpc.Health',
  methods: {
    check: { name: 'Check', requestType: CheckRequest, responseType: HealthCheckResponse },
    version: { name: 'Version', requestType: CheckRequest, responseType: VersionCheckResponse },
  },
} as const;
export type HealthDefinition = typeof HealthDefinition;
