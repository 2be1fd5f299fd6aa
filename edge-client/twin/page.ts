/** What a page can tell of its device: online, metered, battery, asleep. Each of these is missing in some browser, and then says nothing. */
import type { Conditions } from './calls.ts';

/** Tells the conditions as they are and each time they change. @returns a function that ends it */
export type WatchConditions = (tell: (conditions: Conditions) => void) => () => void;

/** The parts of a window that are read here; the library's own types are those of a worker. */
interface PageScope extends Partial<EventTarget> {
  document?: EventTarget;
  navigator?: {
    onLine?: boolean;
    connection?: EventTarget & { saveData?: boolean; type?: string };
    getBattery?: () => Promise<EventTarget & { charging: boolean; level: number }>;
  };
}

export const watchPage: WatchConditions = (tell) => {
  const scope = globalThis as unknown as PageScope;
  const { navigator } = scope;
  const conditions: Conditions = { online: true, metered: false, battery: null, asleep: false };
  const ending = new AbortController();
  const look = (): void => {
    conditions.online = navigator?.onLine !== false;
    conditions.metered =
      navigator?.connection?.saveData === true || navigator?.connection?.type === 'cellular';
    if (!ending.signal.aborted) tell({ ...conditions });
  };
  const listen = (target: Partial<EventTarget> | undefined, names: string[], then: () => void): void => {
    for (const name of names) target?.addEventListener?.(name, then, { signal: ending.signal });
  };
  const sleep = (asleep: boolean) => (): void => {
    conditions.asleep = asleep;
    look();
  };
  listen(scope, ['online', 'offline'], look);
  listen(navigator?.connection, ['change'], look);
  listen(scope.document, ['freeze'], sleep(true));
  listen(scope.document, ['resume'], sleep(false));
  listen(scope, ['pagehide'], sleep(true));
  listen(scope, ['pageshow'], sleep(false));
  void navigator?.getBattery?.().then(
    (battery) => {
      const read = (): void => {
        conditions.battery = { charging: battery.charging, level: battery.level };
        look();
      };
      listen(battery, ['chargingchange', 'levelchange'], read);
      read();
    },
    // Some pages may not ask; then nothing is known of the battery.
    () => {},
  );
  look();
  return () => ending.abort();
};
