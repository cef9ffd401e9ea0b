// CPU time and memory of processes and all their children, as the kernel counts them (Linux).
import { readdirSync, readFileSync } from 'node:fs';

/** proc(5): utime and stime are in clock ticks, which Linux shows as hundredths of a second whatever its own tick is. */
const TICK_MICROS = 10_000;

interface ProcessStat {
  readonly parent: number;
  readonly cpuTicks: number;
}

/** Undefined for a process that is gone. */
const statOf = (pid: number): ProcessStat | undefined => {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // it ended between the listing and the reading
  }
  // The name stands in parentheses and may hold blanks: fields are counted behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpuTicks: Number(fields[11]) + Number(fields[12]) };
};

/** utime + stime of these processes and their children, summed. */
export const cpuMicros = (roots: readonly number[]): number => {
  const stats = new Map<number, ProcessStat>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(Number(entry));
    if (stat !== undefined) stats.set(Number(entry), stat);
  }
  const belongs = (pid: number): boolean => {
    if (roots.includes(pid)) return true;
    const parent = stats.get(pid)?.parent ?? 0;
    return parent > 1 && belongs(parent);
  };
  let ticks = 0;
  for (const [pid, { cpuTicks }] of stats) if (belongs(pid)) ticks += cpuTicks;
  return ticks * TICK_MICROS;
};
