// The JSON that the admin server answers with, failures included.
import type { HttpReply } from '../runtime/http.ts';

type Headers = Readonly<Record<string, string>>;

export const json = (status: number, value: unknown, headers?: Headers): HttpReply => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
  ...(headers === undefined ? {} : { headers }),
});

export const failure = (status: number, code: string, message: string, headers?: Headers): HttpReply =>
  json(status, { error: { code, message } }, headers);

export const notFound = (path: string): HttpReply =>
  failure(404, 'not-found', `there is nothing at ${path.slice(0, 200)}`);

/** `methods` as the route has them: who may GET may HEAD. */
export const methodNotAllowed = (methods: readonly string[]): HttpReply => {
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
  return failure(405, 'method-not-allowed', `only ${allowed} is served here`, { Allow: allowed });
};
