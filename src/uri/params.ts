// `;name=value` lists: finding one by its lower-case name.
import type { Param } from './types.ts';

/** The parameter called `name` (lower case), if there is one. */
export const findParam = (params: readonly Param[], name: string): Param | undefined => {
  for (const param of params) if (param.name === name) return param;
  return undefined;
};

/** `;a=b;flag` as it is written in a URI or a header. */
export const formatParams = (params: readonly Param[]): string => {
  let text = '';
  for (const { name, value } of params) text += value === undefined ? `;${name}` : `;${name}=${value}`;
  return text;
};
