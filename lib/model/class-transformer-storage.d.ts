/** Where class-transformer keeps what its decorators were told. It has no declaration there. */
declare module 'class-transformer/cjs/storage.js' {
  export { defaultMetadataStorage } from 'class-transformer/types/storage.js';
}
