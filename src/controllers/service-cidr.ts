import { type Cidr, cidrContains, parseCidr, parseIp } from '../base/cidr.ts'
import { secondsTime } from '../base/seconds-time.ts'
import { IPAddress } from '../kinds/networking/ip-address.ts'
import { ServiceCIDR } from '../kinds/networking/service-cidr.ts'
import { again, made, type Steps, setStatus, update } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import { isBeingDeleted, timeOf } from './shared/owner.ts'

const finalizer = 'networking.k8s.io/service-cidr-finalizer'
/** So long every API server is given to notice that nothing may be taken from the range any more. */
const graceMs = 10_000

/** Says of ranges of service addresses that they may be used, and keeps those that are deleted while they are (KEP-1880). */
export const serviceCidrController: Controller = defineController<ServiceCIDR>({
  name: 'service-cidr-controller',
  serviceAccount: 'service-cidrs-controller',
  reconciles: ServiceCIDR,
  watches: [
    watch(IPAddress, ({ object }, context) => (object === undefined ? goingOnes(context) : [])),
    // Another range may take over the addresses of one that is going.
    watch(ServiceCIDR, (_, context) => goingOnes(context)),
  ],

  *reconcile(range, context) {
    if (!isBeingDeleted(range)) return yield* welcome(range, context)
    if (!range.metadata.finalizers?.includes(finalizer)) return
    if (isInUse(range, context)) return yield* keep(range, context)
    const leftMs = timeOf(range.metadata.deletionTimestamp) + graceMs - context.now
    if (leftMs > 0) return void (yield again(leftMs))
    const finalizers = range.metadata.finalizers.filter((each) => each !== finalizer)
    yield update(ServiceCIDR, { ...range, metadata: { ...range.metadata, finalizers } })
  },
})

function* goingOnes({ list }: WatchContext) {
  for (const range of list(ServiceCIDR)) if (isBeingDeleted(range)) yield { name: range.metadata.name! }
}

function* welcome(range: ServiceCIDR, { now }: Context): Steps {
  const { finalizers = [] } = range.metadata
  let present = range
  if (!finalizers.includes(finalizer)) {
    const metadata = { ...range.metadata, finalizers: [...finalizers, finalizer] }
    present = yield* made<ServiceCIDR>(update(ServiceCIDR, { ...range, metadata }))
  }
  if (readyOf(present)?.status === 'True') return
  yield* tellReady(present, 'True', '', 'Kubernetes Service CIDR is ready', now)
}

function* keep(range: ServiceCIDR, { now }: Context): Steps {
  if (readyOf(range)?.status === 'False') return
  const message =
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
  yield* tellReady(range, 'False', 'Terminating', message, now)
}

const readyOf = ({ status }: ServiceCIDR) => status?.conditions?.find(({ type }) => type === 'Ready')

function* tellReady(range: ServiceCIDR, status: 'True' | 'False', reason: string, message: string, now: number): Steps {
  const others = (range.status?.conditions ?? []).filter(({ type }) => type !== 'Ready')
  const condition = { type: 'Ready', status, reason, message, lastTransitionTime: secondsTime(now) }
  yield setStatus(ServiceCIDR, range, { conditions: [...others, condition] })
}

/** Whether an address of the range belongs to no other one. */
function isInUse(range: ServiceCIDR, { list }: Context): boolean {
  const own = cidrsOf(range)
  const others = list(ServiceCIDR)
    .filter((other) => other.metadata.uid !== range.metadata.uid && !isBeingDeleted(other))
    .flatMap(cidrsOf)
  return list(IPAddress).some(({ metadata }) => {
    const address = parseIp(metadata.name!)
    if (address === undefined || !own.some((cidr) => cidrContains(cidr, address))) return false
    return !others.some((cidr) => cidrContains(cidr, address))
  })
}

const cidrsOf = ({ spec }: ServiceCIDR): Cidr[] => (spec.cidrs ?? []).flatMap((cidr) => parseCidr(cidr) ?? [])
