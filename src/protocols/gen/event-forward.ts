// Made of event-forward.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';
import { Envelope } from './containerd-types.ts';
import { Empty } from './google/protobuf/empty.ts';

/** One event. */
export interface ForwardRequest {
  envelope: Envelope | undefined;
}
export const ForwardRequest: MessageType<ForwardRequest> = /* @__PURE__ */ message('1:envelope:m', () => [Envelope]);

/** containerd's ear. */
export const EventsDefinition = {
  fullName: 'containerd.services.events.ttrpc.v1.Events',
  methods: {
    forward: { name: 'Forward', requestType: ForwardRequest, responseType: Empty },
  },
} as const;
export type EventsDefinition = typeof EventsDefinition;
