import type { Controller } from '../reconciler/controller.ts'
import { claimBinder } from './persistentvolume-binder/claims.ts'
import { volumeBinder } from './persistentvolume-binder/volumes.ts'

/**
 * Brings claims and volumes together and takes them apart again. One half looks at claims: it finds each a volume, or
 * asks a provisioner for one. The other looks at volumes: it says what state they are in, and what becomes of those
 * whose claim is gone. Every binding is written in an order in which it can be broken off at any point and gone on with:
 * the volume names the claim, then the claim names the volume, then it says that binding is through.
 */
export const persistentVolumeBinder: readonly Controller[] = [claimBinder(), volumeBinder]
