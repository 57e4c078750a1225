import type { BusDriver, ChannelReceiver, DriverSubscription } from '../../lib/bus/bus-driver.js';

/** Notes what a channel's receiver is told, gaps in their places as `gap`. */
export class Recorder implements ChannelReceiver {
  readonly entries: unknown[] = [];
  readonly reasons: string[] = [];

  message(message: unknown): void {
    this.entries.push(message);
  }

  gap(reason: string): void {
    this.entries.push('gap');
    this.reasons.push(reason);
  }

  get messages(): unknown[] {
    return this.entries.filter((entry) => entry !== 'gap');
  }
}

export interface Recording {
  readonly recorder: Recorder;
  readonly subscription: DriverSubscription;
}

/** Resolves when the subscription stands. */
export async function record(driver: BusDriver, channel: string): Promise<Recording> {
  const recorder = new Recorder();
  const subscription = driver.subscribe(channel, recorder);
  await subscription.ready;
  return { recorder, subscription };
}
