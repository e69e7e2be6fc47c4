import { renewCertificates } from '../pki/renew.ts'
import { controlPlaneSet, membersOf, nameOf } from '../pki/set.ts'
import type { Component } from './component.ts'
import type { UpgradeData } from './data.ts'

/** The certificates that a component uses: they are renewed with its manifest. */
const used: Readonly<Record<Component, readonly string[]>> = {
  etcd: ['etcd-server', 'etcd-peer', 'etcd-healthcheck-client'],
  'kube-apiserver': ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client', 'apiserver-etcd-client'],
  'kube-controller-manager': ['controller-manager.conf'],
  'kube-scheduler': ['scheduler.conf'],
}

export async function renewFor(component: Component, data: UpgradeData): Promise<void> {
  await renew(used[component], data, (name) => data.print(`[upgrade/staticpods] Renewing ${name} certificate`))
}

/** Those of the administrators, which no component uses. */
export async function renewAdministrators(data: UpgradeData): Promise<void> {
  await renew(['admin.conf', 'super-admin.conf'], data, () => {})
}

async function renew(names: readonly string[], data: UpgradeData, begin: (name: string) => void): Promise<void> {
  const pki = await data.pki()
  const members = membersOf(controlPlaneSet(pki))
  for (const name of names) {
    const found = members.filter((member) => nameOf(member) === name)
    if (found.length === 0) continue
    begin(name)
    await renewCertificates(found, pki, data.world, {}, (line) => {
      if (line.startsWith('Detected external')) data.print(`[upgrade/staticpods] ${line}`)
    })
  }
}
