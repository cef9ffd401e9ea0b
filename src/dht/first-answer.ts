// Several could answer, one is enough: they are asked one after the other, and nobody waits out the silence of one for the next.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Tasks } from './tasks.ts';

export interface Question {
  /** From then on the next one is asked as well. */
  readonly lateMs: number;
  /** Whether it was answered; never rejects. */
  ask(): Promise<boolean>;
  late?(): void;
}

/** False: none of them was answered. Never rejects. */
export const firstAnswer = (
  { clock, tasks }: { readonly clock: Clock; readonly tasks: Tasks },
  questions: readonly Question[],
): Promise<boolean> =>
  new Promise((resolve) => {
    const rest = [...questions];
    let open = 0;
    let over = false;
    let timer: Timer | undefined;
    const end = (answered: boolean): void => {
      over = true;
      timer?.cancel();
      forget();
      resolve(answered);
    };
    const next = (): void => {
      timer?.cancel();
      const question = rest.shift();
      if (question === undefined) {
        if (open === 0) end(false);
        return;
      }
      open += 1;
      timer = clock.setTimer(question.lateMs, () => {
        question.late?.();
        next();
      });
      tasks.run('first answer', async () => {
        const answered = await question.ask();
        open -= 1;
        if (over) return;
        if (answered) end(true);
        else next();
      });
    };
    let forget = (): unknown => undefined;
    forget = tasks.onStop(() => end(false));
    if (!over) next();
  });
