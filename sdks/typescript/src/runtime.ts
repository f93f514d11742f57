/** What differs between runtimes: timers that let a process end, and that end itself. */

/** A timer that can be set again. */
export class Timer {
  readonly #run: () => void;
  readonly #then: (() => void)[] = [];
  #handle: ReturnType<typeof setTimeout> | null = null;
  #holds = false;

  constructor(run: () => void) {
    this.#run = run;
  }

  /**
   * Run after so many milliseconds, unless it is set already; `holdsProcess` tells whether the
   * process must live until then.
   */
  start(ms: number, holdsProcess: boolean): void {
    if (this.#handle !== null && (this.#holds || !holdsProcess)) return;
    this.stop();
    this.#holds = holdsProcess;
    this.#handle = setTimeout(() => {
      this.#handle = null;
      this.#run();
      for (const run of this.#then.splice(0)) run();
    }, ms);
    // Only Node's timers can let the process go; elsewhere a handle is a number.
    if (!holdsProcess) (this.#handle as { unref?: () => void }).unref?.();
  }

  /** Run something else, too, when it runs. */
  then(run: () => void): void {
    this.#then.push(run);
  }

  stop(): void {
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#handle = null;
  }
}

/** Have something done when the process has nothing left to do; answers how to forget it. */
export function onProcessEnd(run: () => Promise<void>): () => void {
  const process = (globalThis as { process?: unknown }).process as
    | { once?: Listen; off?: Listen }
    | undefined;
  if (typeof process?.once !== "function" || typeof process.off !== "function") return () => {};
  const listener = (): void => void run();
  process.once("beforeExit", listener);
  return () => void process.off!("beforeExit", listener);
}

type Listen = (name: "beforeExit", listener: () => void) => unknown;

/** Call a caller's function so that what it throws is its own failure, not that of our work. */
export function runApart(run: () => void): void {
  queueMicrotask(run);
}
