/** What a WebSocket subprotocol of this project begins with; the version and the codec follow. */
const PREFIX = 'nestjs-streaming.';

/** The codecs of version 1: JSON in text messages, MessagePack in binary ones. */
export type CodecName = 'json' | 'msgpack';

/** The subprotocols this build speaks, by codec (PROTOCOL.md, section 2). */
export const SUBPROTOCOLS: Readonly<Record<CodecName, string>> = {
  json: `${PREFIX}v1.json`,
  msgpack: `${PREFIX}v1.msgpack`,
};

/**
 * What a server makes of the subprotocols a client offers, in the client's order of preference:
 * one it speaks; `unsupported`, with the name to accept and close 4406, when the client speaks
 * another version of this protocol; or nothing, when it speaks something else.
 */
export type SubprotocolChoice =
  | { readonly kind: 'supported'; readonly subprotocol: string; readonly codec: CodecName }
  | { readonly kind: 'unsupported'; readonly subprotocol: string }
  | { readonly kind: 'foreign' };

/** Chooses among the offered subprotocols (PROTOCOL.md, section 2). */
export function chooseSubprotocol(offered: Iterable<string>): SubprotocolChoice {
  let unsupported: string | undefined;
  for (const subprotocol of offered) {
    const codec = codecOf(subprotocol);
    if (codec !== undefined) return { kind: 'supported', subprotocol, codec };
    if (subprotocol.startsWith(PREFIX)) unsupported ??= subprotocol;
  }
  return unsupported === undefined
    ? { kind: 'foreign' }
    : { kind: 'unsupported', subprotocol: unsupported };
}

/** The codec a subprotocol names; `undefined` for one this build doesn't speak. */
export function codecOf(subprotocol: string): CodecName | undefined {
  if (subprotocol === SUBPROTOCOLS.json) return 'json';
  if (subprotocol === SUBPROTOCOLS.msgpack) return 'msgpack';
  return undefined;
}
