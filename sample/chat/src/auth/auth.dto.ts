import { IsString, Length } from 'class-validator';

/** What one sends to sign in. */
export class LogInDto {
  @IsString()
  @Length(1, 40)
  name!: string;

  @IsString()
  @Length(1, 200)
  password!: string;
}

/** What a device gets to stream with, and who it is. */
export interface AccessToken {
  readonly token: string;
  /** How long the token lasts. */
  readonly expiresInSeconds: number;
  readonly user: { readonly id: string; readonly name: string; readonly isModerator: boolean };
}

/** A device as its owner sees it. */
export interface DeviceDto {
  readonly id: string;
  readonly name: string;
  /** When it signed in, in ms since 1970. */
  readonly since: number;
  /** Whether it is the one that asks. */
  readonly isThis: boolean;
}
