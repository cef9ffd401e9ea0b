// Seeds that failed once. Each stays for what it found; a seed means its course of events only together with the code that
// plans it (scenario/plan.ts, scenario/workload.ts), so that a change there is made knowing that these lose their story.

export interface Regression {
  readonly seed: number;
  readonly minutes: number;
  readonly found: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    seed: 12,
    minutes: 2,
    found:
      'a member back after a stall showed what had been removed meanwhile, as those who knew said only "retry"',
  },
];
