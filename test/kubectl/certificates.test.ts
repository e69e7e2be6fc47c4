import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateRequest } from '../support/certificate-request.ts'
import { stories } from '../support/kubectl.ts'

function requestOf(name: string, commonName = name) {
  const { request, key } = certificateRequest({ commonName, organizations: ['developers'] })
  const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] }
  const file = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec }
  return { file: JSON.stringify(file), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

stories({
  'Somebody asks for a certificate, an administrator approves, and it opens the door': async (scene) => {
    const { kubectl, settle, namespace } = scene
    const name = `jane-${namespace}-${kubectl.minor}`
    const { file, key } = requestOf(name, 'jane')
    await kubectl('create -f -', file)
    const condition = async () => (await kubectl.rows(`get csr ${name}`))[0]?.['CONDITION']
    assert.equal(await condition(), 'Pending')
    assert.equal(
      await kubectl(`certificate approve ${name}`),
      `certificatesigningrequest.certificates.k8s.io/${name} approved`,
    )
    await settle()
    assert.equal(await condition(), 'Approved,Issued')

    const certificate = Buffer.from(await kubectl.read(`get csr ${name}`, '{.status.certificate}'), 'base64').toString()
    assert.equal(new X509Certificate(certificate).subject, 'O=developers\nCN=jane')
    const folder = await mkdtemp(join(tmpdir(), 'jane-'))
    try {
      await writeFile(join(folder, 'crt'), certificate)
      await writeFile(join(folder, 'key'), key)
      const server = await kubectl.read('config view', '{.clusters[0].cluster.server}')
      const credentials = `--client-certificate=${folder}/crt --client-key=${folder}/key --kubeconfig=/dev/null`
      const asJane = `${credentials} --server=${server} --insecure-skip-tls-verify -n ${namespace}`
      assert.match(await kubectl.refused(`get pods ${asJane}`), /User "jane" cannot list resource "pods"/)
      await kubectl('create role reader --verb=list --resource=pods')
      await kubectl('create rolebinding readers --role=reader --group=developers')
      await settle()
      assert.equal(await kubectl(`get pods ${asJane} --ignore-not-found`), '')
    } finally {
      await rm(folder, { recursive: true })
    }
  },

  'What is denied stays without a certificate': async ({ kubectl, settle, namespace }) => {
    const name = `joe-${namespace}-${kubectl.minor}`
    await kubectl('create -f -', requestOf(name).file)
    assert.equal(
      await kubectl(`certificate deny ${name}`),
      `certificatesigningrequest.certificates.k8s.io/${name} denied`,
    )
    await settle()
    const [row] = await kubectl.rows(`get csr ${name}`)
    assert.equal(row?.['CONDITION'], 'Denied')
    assert.equal(await kubectl.read(`get csr ${name}`, '{.status.certificate}'), '')
  },
})
