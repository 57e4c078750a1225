import { describeCodec } from './spec/codec.contract.js';

describeCodec('msgpack');
