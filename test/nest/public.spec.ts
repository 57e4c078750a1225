import { type CanActivate, Controller, Injectable, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import {
  Public,
  RequireLogin,
  RequireScopes,
  StreamingMethod,
  StreamingSession,
  StreamSession,
} from '../../lib/index.js';
import { failure } from './app.js';
import { startAuthApp } from './auth-app.js';

/** The application's own, whatever it extends. */
@Injectable()
class ClosedGuard extends RequireLogin {}

@Injectable()
class NoGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Controller()
@UseGuards(RequireLogin, RequireScopes('draw'))
class ClosedController {
  @Public()
  @StreamingMethod()
  open() {
    return 'open';
  }

  @Public()
  @StreamingMethod()
  who(@StreamSession() session: StreamingSession) {
    return session.auth;
  }

  @StreamingMethod()
  closed() {
    return 'closed';
  }

  @Public()
  @UseGuards(RequireLogin)
  @StreamingMethod()
  both() {
    return 'both';
  }
}

@Controller()
@Public()
class OpenController {
  @StreamingMethod()
  open() {
    return 'open';
  }

  @UseGuards(RequireLogin)
  @StreamingMethod()
  closed() {
    return 'closed';
  }

  @UseGuards(RequireScopes('draw'))
  @StreamingMethod()
  scoped() {
    return 'scoped';
  }
}

@Controller()
@Public()
@UseGuards(RequireLogin)
class UndecidedController {
  @StreamingMethod()
  closed() {
    return 'closed';
  }

  @Public()
  @StreamingMethod()
  open() {
    return 'open';
  }
}

@Controller()
@UseGuards(ClosedGuard)
class OwnController {
  @Public()
  @StreamingMethod()
  closed() {
    return 'closed';
  }

  @Public()
  @UseGuards(NoGuard)
  @StreamingMethod()
  never() {
    return 'never';
  }
}

interface Client {
  closed: ClosedController;
  open: OpenController;
  undecided: UndecidedController;
  own: OwnController;
}

const controllers = [ClosedController, OpenController, UndecidedController, OwnController];

const GLOBAL = [
  ['none', {}, {}],
  ['auth.protectByDefault', { auth: { protectByDefault: true } }, {}],
  ['APP_GUARD', {}, { providers: [{ provide: APP_GUARD, useClass: RequireLogin }] }],
  [
    'useGlobalGuards()',
    {},
    {
      configure: (app: { useGlobalGuards(it: CanActivate): unknown }) =>
        void app.useGlobalGuards(new RequireLogin()),
    },
  ],
] as const;

describe.each(GLOBAL)('@Public(), with %s around the application', (_, options, setup) => {
  it('opens a method that its class closes, and one that nothing nearer closes', async () => {
    const { connect } = await startAuthApp(options, { controllers, ...setup } as never);
    const nobody = connect<Client>();
    expect(await nobody.closed.open()).toBe('open');
    expect(await nobody.open.open()).toBe('open');
    expect(await nobody.undecided.open()).toBe('open');
  });

  it('on a class opens no method with a guard of its own, nor its own level', async () => {
    const { connect } = await startAuthApp(options, { controllers, ...setup } as never);
    const nobody = connect<Client>();
    for (const call of [
      nobody.closed.closed(),
      nobody.closed.both(),
      nobody.open.closed(),
      nobody.open.scoped(),
      nobody.undecided.closed(),
    ]) {
      expect(await failure(call)).toMatchObject({ code: 'unauthenticated' });
    }
    const anna = connect<Client>({ credentials: () => 'anna' });
    expect(await anna.closed.both()).toBe('both');
    expect(await anna.open.scoped()).toBe('scoped');
  });

  it("leaves the application's own guards alone, those that extend ours too", async () => {
    const { connect } = await startAuthApp(options, { controllers, ...setup } as never);
    const nobody = connect<Client>();
    for (const call of [nobody.own.closed(), nobody.own.never()]) {
      expect(await failure(call)).toMatchObject({ code: 'unauthenticated' });
    }
    const anna = connect<Client>({ credentials: () => 'anna' });
    expect(await anna.own.closed()).toBe('closed');
    expect(await failure(anna.own.never())).toMatchObject({ code: 'permission-denied' });
  });
});

it('A method that @Public() opens waits for no authenticator but a moment', async () => {
  const { accounts, connect } = await startAuthApp(
    { auth: { authenticatorTimeoutMs: 60_000 } },
    { controllers },
  );
  let answer = () => {};
  accounts.before = () =>
    new Promise<void>((resolve) => {
      answer = resolve;
    });
  expect(await connect<Client>({ credentials: () => 'anna' }).closed.who()).toBeNull();
  answer();
});
