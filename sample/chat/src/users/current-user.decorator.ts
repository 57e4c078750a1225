import {
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type PipeTransform,
  UnauthorizedException,
} from '@nestjs/common';
import type { StreamingSession } from 'nestjs-streaming';
import type { User } from './user.js';
import { UsersService } from './users.service.js';

@Injectable()
export class UserByIdPipe implements PipeTransform<string | number | undefined, User> {
  constructor(private readonly users: UsersService) {}

  transform(id: string | number | undefined): User {
    const user = id === undefined ? undefined : this.users.find(id);
    if (user === undefined) throw new UnauthorizedException('Sign in first.');
    return user;
  }
}

const CurrentUserId = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToWs().getClient<StreamingSession>().auth?.userId,
);

/** Who calls a streaming method; type the parameter `Injected<User>`. */
export const CurrentUser = (): ParameterDecorator => CurrentUserId(UserByIdPipe);
