/**
 * Where somebody on a long way lets those who set out with him catch up: all of them go through one part of the program,
 * then all through the next. Whoever is second finds its code at hand in the processor, where one by one each would find
 * that of the part that the one before him has come to last. ("Using Cohort Scheduling to Enhance Server Performance",
 * Larus and Parkes, USENIX 2002.)
 *
 * ```ts
 * await stage
 * ```
 */
export const stage: undefined = undefined
