import { BusUnavailableError } from '../bus-error.js';

/** A command was certainly not executed: it never left, or the server had nothing to do with it. */
export class NotSentError extends BusUnavailableError {}
