import { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import { betaStorageProvisioner, classOfClaim, storageProvisioner } from '../../kinds/core/volume-matching.ts'
import { event, type Steps, update } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { storageClassOf, withAnnotations } from '../shared/storage.ts'

/** Drivers that took over from provisioners which were a part of Kubernetes (KEP-625). */
const successors: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
}

/** Asks the provisioner of the claim's class for a volume. Provisioners go by the annotation. */
export function* askForVolume(claim: PersistentVolumeClaim, context: Context): Steps {
  const storageClass = storageClassOf(claim, context)
  if (storageClass === undefined) {
    const message = `storageclass.storage.k8s.io ${JSON.stringify(classOfClaim(claim))} not found`
    yield event('ProvisioningFailed', message, 'Warning')
    return
  }
  const { provisioner: named } = storageClass
  const provisioner = successors[named] ?? named
  if (provisioner.startsWith('kubernetes.io/')) {
    yield event('ProvisioningFailed', `no volume plugin matched name: ${provisioner}`, 'Warning')
    return
  }
  yield* assign(claim, provisioner)
  yield event(
    'ExternalProvisioning',
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system ` +
      'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.',
  )
}

function* assign(claim: PersistentVolumeClaim, provisioner: string): Steps {
  if (claim.metadata.annotations?.[storageProvisioner] === provisioner) return
  // Provisioners that are older than v1.23 know the first name alone.
  const annotations = { [betaStorageProvisioner]: provisioner, [storageProvisioner]: provisioner }
  yield update(PersistentVolumeClaim, withAnnotations(claim, annotations))
}
