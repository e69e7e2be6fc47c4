/** Why a mutation cannot be made. */
export class MutationError extends Error {}
