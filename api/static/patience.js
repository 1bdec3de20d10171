// How long what is sent is waited for: whoever lost the network is told so; however slowly files come that the gate still
// takes, they are waited for.
const ANSWERED_WITHIN_MS = 60_000;
const LEAST_BYTES_A_MS = 30;

export function patience(body = new FormData()) {
  const bytes = [...body.values()].reduce((sum, one) => sum + (one.size ?? 0), 0);
  return AbortSignal.timeout(ANSWERED_WITHIN_MS + bytes / LEAST_BYTES_A_MS);
}
