/** The labels by which a job finds its pods; the ones without a domain are for old clients. */
export function jobLabels(name: string, uid: string): Readonly<Record<string, string>> {
  return {
    'controller-uid': uid,
    'job-name': name,
    [controllerUidLabel]: uid,
    'batch.kubernetes.io/job-name': name,
  }
}

export const controllerUidLabel = 'batch.kubernetes.io/controller-uid'
