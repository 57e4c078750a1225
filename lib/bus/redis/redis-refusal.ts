/**
 * What Redis says that will not be otherwise later: a key is another's, something is not permitted,
 * the server is too old. Of a script's errors, older servers say more.
 */
export const REFUSAL = /NOPERM|WRONGTYPE|unknown command|user executing the script|master_replid/;
