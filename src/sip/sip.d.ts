// The one function of the npm package `sip` that we use; it comes without types.
declare module 'sip' {
  interface OutgoingBase {
    /** Strings are written as they are; `content-length` is set by `stringify`, in characters of `content`. */
    readonly headers: Record<string, string>;
    readonly content: string;
  }
  export function stringify(
    message: OutgoingBase &
      (
        | { readonly status: number; readonly reason: string }
        | { readonly method: string; readonly uri: string }
      ),
  ): string;
}
