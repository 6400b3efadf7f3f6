/**
 * An error with a code that has a sentence in every language (error.<code>).
 */
export class FaultError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] English, for the console and for codes this page does not know
   */
  constructor(code, message = code) {
    super(message);
    this.name = "FaultError";
    this.code = code;
  }
}

/**
 * Makes a FaultError of whatever was thrown or answered.
 *
 * @param {any} error
 * @returns {FaultError}
 */
export function asFault(error) {
  if (error instanceof FaultError) return error;
  if (error && typeof error.code === "string" && error.code) {
    return new FaultError(error.code, String(error.message ?? error.code));
  }
  return new FaultError("internal", error instanceof Error ? error.message : String(error ?? ""));
}
