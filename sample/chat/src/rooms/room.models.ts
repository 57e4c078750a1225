import { IsString, Length, Matches } from 'class-validator';
import { Serializable } from 'nestjs-streaming/client';

/** Somebody, as everybody sees them. */
@Serializable('Person')
export class Person {
  id!: string;
  name!: string;
  isModerator!: boolean;
}

/** What somebody wrote. */
@Serializable('Message')
export class Message {
  id!: string;
  author!: Person;
  text!: string;
  at!: Date;
}

export type NoticeKind = 'thrown-out' | 'let-in' | 'muted' | 'unmuted';

/** What a moderator did; everybody in the room is told. */
@Serializable('Notice')
export class Notice {
  id!: string;
  kind!: NoticeKind;
  /** Whom it is about. */
  person!: Person;
  moderator!: Person;
  /** Empty where none was asked for. */
  reason!: string;
  at!: Date;
}

/** Who is in a room now, in the order of their names. */
@Serializable('Members')
export class Members {
  people!: Person[];
}

/** What one sends to have it posted. */
@Serializable('Draft')
export class Draft {
  @IsString()
  @Length(1, 500)
  @Matches(/\S/, { message: 'text must not be blank' })
  text!: string;

  static of(text: string): Draft {
    return Object.assign(new Draft(), { text });
  }
}

/** Why a moderator takes something from somebody. */
@Serializable('Sentence')
export class Sentence {
  @IsString()
  userId!: string;

  @IsString()
  @Length(3, 140)
  reason!: string;

  static of(userId: string, reason: string): Sentence {
    return Object.assign(new Sentence(), { userId, reason });
  }
}

/** A room as one person sees it. */
export interface RoomInfo {
  readonly id: string;
  readonly title: string;
  readonly topic: string;
  /** Whether this person may write there, moderators' sentences aside. */
  readonly mayPost: boolean;
}
