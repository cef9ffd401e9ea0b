// Long work in short steps: whoever waits for a datagram or a timer gets a turn between two of them.

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs the generator to its end, others in between. */
export async function inTurns<T>(steps: Generator<undefined, T>): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await turn();
  }
}

/** Runs it to its end at once: for the start, when nobody waits yet. */
export function atOnce<T>(steps: Generator<undefined, T>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}
