import { AUTH_SAFEGUARDS } from './auth.js';
import { describeSafeguards } from './describe-safeguards.js';

describeSafeguards('Authentication', AUTH_SAFEGUARDS);
