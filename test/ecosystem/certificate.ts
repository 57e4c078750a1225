import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const OF_ECDSA_WITH_SHA256 = oid('2a8648ce3d040302');
const OF_COMMON_NAME = oid('550403');
const OF_ALTERNATIVE_NAME = oid('551d11');
const LOOPBACK = [127, 0, 0, 1];

/** Makes a key and a certificate that it signed itself, for https://127.0.0.1, good for a day. */
export function createCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(OF_ECDSA_WITH_SHA256);
  const contents = createContents(algorithm, publicKey.export({ type: 'spki', format: 'der' }));
  const signature = sign('sha256', contents, privateKey);
  const certificate = sequence(contents, algorithm, tagged(0x03, Buffer.of(0), signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

/** X.509, version 3 (RFC 5280, section 4.1). */
function createContents(algorithm: Buffer, publicKey: Buffer): Buffer {
  const version = tagged(0xa0, tagged(0x02, Buffer.of(2)));
  const serial = tagged(0x02, Buffer.of(1), randomBytes(8));
  const commonName = sequence(OF_COMMON_NAME, tagged(0x0c, Buffer.from('test')));
  const name = sequence(tagged(0x31, commonName));
  const validity = sequence(time(-3_600_000), time(86_400_000));
  const addresses = sequence(tagged(0x87, Buffer.from(LOOPBACK)));
  const alternativeName = sequence(OF_ALTERNATIVE_NAME, tagged(0x04, addresses));
  const extensions = tagged(0xa3, sequence(alternativeName));
  return sequence(version, serial, algorithm, name, validity, name, publicKey, extensions);
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

/** UTCTime: two digits of the year. */
function time(fromNowMs: number): Buffer {
  const digits = new Date(Date.now() + fromNowMs).toISOString().replace(/\D/g, '');
  return tagged(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
