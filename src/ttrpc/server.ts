import type { KataError } from '../errors/kata-error.ts';
import type { ByteStream } from '../os/byte-stream.ts';
import type { DeepPartial } from '../protocols/codec.ts';
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from '../protocols/service.ts';
import type { CallContext } from './call.ts';
import { ServerConnection } from './server-connection.ts';

/**
 * What answers one method. A method whose response is empty may return nothing; else what it leaves out has its default.
 * Its fields of bytes must not change afterwards: they are sent as they are. What it throws is the caller's status.
 */
export type Handler<M extends MethodDefinition> = (
  request: RequestOf<M>,
  context: CallContext,
) => HandlerResult<ResponseOf<M>> | Promise<HandlerResult<ResponseOf<M>>>;

// biome-ignore lint/complexity/noBannedTypes: {} is the empty message here.
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the point.
type HandlerResult<R> = {} extends R ? DeepPartial<R> | void : DeepPartial<R>;

/** What answers a service; a method left out is answered `unimplemented`. */
export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]?: Handler<D['methods'][K]> };

/** A method and its handler, the types forgotten. */
export interface Route {
  readonly definition: MethodDefinition;
  readonly handle: (request: unknown, context: CallContext) => unknown;
}

/** Services by name, and their routes by the method's name on the wire. */
export type Routes = ReadonlyMap<string, ReadonlyMap<string, Route>>;

export interface TtrpcServerOptions {
  /**
   * Requests of one connection in work at once, default 1024. At the limit nothing more is read from the connection until
   * one is answered and its answer taken by the kernel.
   */
  maxConcurrent?: number;
}

/** The answering side of ttrpc: services, for any number of connections. */
export class TtrpcServer {
  readonly #services = new Map<string, Map<string, Route>>();
  readonly #maxConcurrent: number;

  constructor(options: TtrpcServerOptions = {}) {
    this.#maxConcurrent = options.maxConcurrent ?? 1024;
  }

  /** Answers this service from now on. */
  register<D extends ServiceDefinition>(definition: D, handlers: Handlers<NoInfer<D>>): void {
    const routes = new Map<string, Route>();
    for (const [key, handler] of Object.entries(handlers)) {
      const method = definition.methods[key];
      if (method !== undefined && handler !== undefined) {
        routes.set(method.name, { definition: method, handle: handler as Route['handle'] });
      }
    }
    this.#services.set(definition.fullName, routes);
  }

  /**
   * Answers the requests of one connection, which it owns, each concurrently. Resolves when the connection is over and
   * every handler is done: undefined after an orderly end, else what was wrong. Never rejects.
   * @param peer who is at the other end, for the handlers and for messages
   */
  serve(stream: ByteStream, peer = 'a client'): Promise<KataError | undefined> {
    return new ServerConnection(stream, peer, this.#services, this.#maxConcurrent).run();
  }
}
