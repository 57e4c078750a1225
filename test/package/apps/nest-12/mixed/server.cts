import { type Injected, StreamingMethod, StreamingSession, StreamSession } from 'nestjs-streaming';

/** A CommonJS server's class, as its client sees it. */
export class MixedController {
  @StreamingMethod()
  async *list(@StreamSession() session: StreamingSession, count: number, user: Injected<string>) {
    yield `${session.id} ${user} ${count}`;
  }

  /** Its declaration has to tell what is injected, without a name for its mark. */
  @StreamingMethod()
  async whoAmI(user: Injected<string>) {
    return user;
  }
}
