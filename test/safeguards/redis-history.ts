import type { Edit, Safeguard } from './safeguard.js';

const FAULTS = 'test/redis/history-faults.spec.ts';
const AT_REDIS = 'A channel with history at Redis';
const PRIMARY_LOST = 'A channel with history, when the primary is lost';
const LEDGER = 'test/redis/history-ledger.spec.ts';
const THREE = 'The ledger of three processes on a channel with history';

/** Whatever arrives is taken for what comes next. */
const UNCHAINED: Edit = {
  file: 'lib/bus/history-follower.ts',
  text: 'else if (record.previous === this.#position) this.#follow(record);',
  replacement: 'else if (!this.#knows(record)) this.#follow(record);',
};
/** A subscription that is back is taken for one that has missed nothing. */
const UNCHECKED: Edit = {
  file: 'lib/bus/redis/history-subscription.ts',
  text: 'if (this.#stood) this.#receiver.resumed();',
  replacement: '',
};
/** A publisher never has Redis look for what it confirmed. */
const UNWITNESSED: Edit = {
  file: 'lib/bus/redis/history-scripts.ts',
  text: "if witness ~= '-' and witness ~= last and sent ~= last_tag and has_lost() then",
  replacement: 'if false then',
};

/** What the bus has against faults of channels with history. */
export const HISTORY_SAFEGUARDS: readonly Safeguard[] = [
  {
    name: 'reading what was missed',
    guards: 'a killed subscriber would leave a hole',
    ...UNCHAINED,
    also: UNCHECKED,
    spec: FAULTS,
    test: `${AT_REDIS} goes on without a hole where its subscriber is killed, again and again`,
  },
  {
    name: 'connecting anew',
    guards: 'the first lost connection would be the last',
    file: 'lib/bus/redis/kept-link.ts',
    text: 'this.#timer = setTimeout(this.#connect, this.#nextDelayMs());',
    replacement: '',
    spec: FAULTS,
    test: `${AT_REDIS} goes on where all connections of its process are killed`,
  },
  {
    name: 'giving up connections that are silent',
    guards: 'a black hole would be waited for, whatever the probe says',
    file: 'lib/bus/redis/probe.ts',
    text: 'for (const link of silent) link.close(',
    replacement: 'for (const link of []) link.close(',
    spec: FAULTS,
    test: `${AT_REDIS} goes on behind a black hole, while others publish`,
  },
  {
    name: 'reading page by page to the end',
    guards: 'all but the first page of what was missed would be lost',
    file: 'lib/bus/history-follower.ts',
    text: 'if (this.#again || this.#position !== page.last) this.#readOn(page);',
    replacement: 'if (this.#again) this.#readOn(page);',
    spec: FAULTS,
    test: `${AT_REDIS} gives a burst that came while it was gone, in many pages`,
  },
  {
    name: 'looking whether what was found follows',
    guards: 'what is not kept any more would be missing in silence',
    file: 'lib/bus/history-driver.ts',
    text: "return hasOlder || reached === '' ? 'reset' : 'trimmed';",
    replacement: 'return undefined;',
    spec: FAULTS,
    test: `${AT_REDIS} tells where more was published meanwhile than is kept`,
  },
  {
    name: 'the chain of records',
    guards: 'what was flushed would be missing in silence',
    ...UNCHAINED,
    also: UNCHECKED,
    spec: FAULTS,
    test: `${AT_REDIS} tells where everything was flushed, of what it may have missed alone`,
  },
  {
    name: 'the witness of who publishes',
    guards: 'who had seen nothing yet would not be told of what was lost',
    ...UNWITNESSED,
    spec: FAULTS,
    test: `${AT_REDIS} tells of a flush to those who had seen nothing yet`,
  },
  {
    name: 'looking for what was missed when a subscription is back',
    guards: 'a loss would not be told before something else is published',
    ...UNCHECKED,
    spec: FAULTS,
    test: `${AT_REDIS} tells where Redis came back empty, and goes on`,
  },
  {
    name: 'subscribing again on a new connection',
    guards: 'a channel would be deaf after Redis was gone',
    file: 'lib/bus/redis/raw-subscriptions.ts',
    text: 'this.#waiting.add(entry);\n    if (stood)',
    replacement: 'if (stood)',
    spec: FAULTS,
    test: `${AT_REDIS} goes on without a hole where Redis came back with what it had`,
  },
  {
    name: 'subscriptions that wait for a connection',
    guards: 'what is subscribed to while Redis is away would never stand',
    file: 'lib/bus/redis/history-store.ts',
    text: 'if (!this.#isOpen) return live.fail(',
    replacement: "if (!this.#isOpen || connections.status !== 'connected') return live.fail(",
    spec: FAULTS,
    test: `${AT_REDIS} lets no subscription fail while Redis is away, those made meanwhile neither`,
  },
  {
    name: 'telling what can never be read from what can not be read now',
    guards: 'a key of somebody else would be read again and again, and nobody told',
    file: 'lib/bus/redis/history-store.ts',
    text: 'return REFUSAL.test(message)',
    replacement: 'return message === ""',
    spec: FAULTS,
    test: `${AT_REDIS} takes what is no history for a channel that can not be carried`,
  },
  {
    name: 'reading again what can not be read now',
    guards: 'a busy server would end all subscriptions',
    file: 'lib/bus/redis/history-store.ts',
    text: 'return REFUSAL.test(message)',
    replacement: 'return message !== ""',
    spec: FAULTS,
    test: `${AT_REDIS} waits for a server that is there and can not serve yet`,
  },
  {
    name: 'telling of what is no batch',
    guards: 'what others publish there would be passed over in silence',
    file: 'lib/bus/redis/history-store.ts',
    text: 'bad: (name, problem) => this.#options.hooks.badMessage?.(name, problem),',
    replacement: 'bad: () => {},',
    spec: FAULTS,
    test: `${AT_REDIS} passes over what is no message, tells the hook, and goes on`,
  },
  {
    name: 'telling of a loss where there is one alone',
    guards: 'each failover would be told to have lost something',
    file: 'lib/bus/redis/history-scripts.ts',
    text: "if witness ~= '-' and witness ~= last and sent ~= last_tag and has_lost() then",
    replacement: "if witness ~= '-' then",
    spec: FAULTS,
    test: `${PRIMARY_LOST} goes on without a hole where the replica has everything`,
  },
  {
    name: 'the chain of records at another server',
    guards: 'who had seen the end that was lost would not be told',
    ...UNCHAINED,
    also: UNCHECKED,
    spec: FAULTS,
    test: `${PRIMARY_LOST} tells those who had seen the end that was lost, and goes on`,
  },
  {
    name: 'the random tag of each batch',
    guards: 'numbers that are used again would be taken for those that were seen',
    file: 'lib/bus/redis/history-publisher.ts',
    text: "const tag = randomBytes(9).toString('base64url');",
    replacement: "const tag = 'tag';",
    spec: FAULTS,
    test: `${PRIMARY_LOST} tells those who come back when there is as much again as they had seen`,
  },
  {
    name: 'the witness of who published at the primary that is lost',
    guards: 'who had not seen the end that was lost would not be told',
    ...UNWITNESSED,
    spec: FAULTS,
    test: `${PRIMARY_LOST} tells those, too, who had not seen it`,
  },
  {
    name: 'looking for what was confirmed as soon as a connection is new',
    guards: 'a loss would not be told before something else is published',
    file: 'lib/bus/redis/history-store.ts',
    text: 'this.#publisher.verify();',
    replacement: '',
    spec: FAULTS,
    test: `${PRIMARY_LOST} tells them without anything being published after it`,
  },
  {
    name: 'reading what was missed in three processes',
    guards: 'whatever breaks would leave a hole',
    ...UNCHAINED,
    also: UNCHECKED,
    spec: LEDGER,
    test: `${THREE} has every confirmed message at every reader, once and in order, whatever breaks between`,
    waitMs: 10_000,
  },
  {
    name: 'telling of a loss in three processes',
    guards: 'what a server loses would be missing in silence',
    file: 'lib/bus/history-follower.ts',
    text: 'if (!this.#isTold) this.#ports.gap(reason);',
    replacement: '',
    spec: LEDGER,
    test: `${THREE} balances where the server itself loses what it confirmed: what is missing stands at a gap`,
  },
  {
    name: 'telling of a slot without its keys',
    guards: 'what was not moved with its slot would be missing in silence',
    ...UNCHAINED,
    also: UNCHECKED,
    spec: 'test/redis/history-cluster.spec.ts',
    test: 'A history with ioredis 6 on a cluster is told to be gone where its slot was given away without its keys, and goes on',
  },
];
