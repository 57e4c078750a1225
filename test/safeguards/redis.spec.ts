import { describeSafeguards } from './describe-safeguards.js';
import { CLUSTER_LOG_SAFEGUARDS } from './redis-cluster-log.js';
import { CONNECTION_SAFEGUARDS } from './redis-connections.js';
import { HISTORY_SAFEGUARDS } from './redis-history.js';

describeSafeguards('The bus at Redis', CONNECTION_SAFEGUARDS);
describeSafeguards('A channel with history at Redis', HISTORY_SAFEGUARDS);
describeSafeguards('A cluster log at Redis', CLUSTER_LOG_SAFEGUARDS);
