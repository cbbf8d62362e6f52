/**
 * At the end of the process Node terminates threads wherever they are; inside the binding that aborts the process and loses its exit code.
 * So the exit waits, at most ten seconds, until each is out of the program it is running.
 *
 * @param running [0]: how many threads are running, in shared memory
 * @param stop has them end as soon as they can
 * @returns what makes the exit wait no more
 */
export function endAtExit(running: Int32Array, stop: () => void): () => void {
  const onExit = (): void => {
    const deadline = performance.now() + 10_000;
    stop();
    for (;;) {
      const count = Atomics.load(running, 0);
      const left = deadline - performance.now();
      if (count === 0 || left <= 0) return;
      Atomics.wait(running, 0, count, left);
    }
  };
  process.on('exit', onExit);
  return () => process.off('exit', onExit);
}
