import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const refused = (port: number) =>
  `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`

stories({
  'The parts of the control plane and their health [CMP-01]': async ({ kubectl }) => {
    const { stdout, stderr } = await kubectl.run('get cs')
    assert.match(stderr, /Warning: v1 ComponentStatus is deprecated in v1\.19\+/)
    assert.match(stdout, /^NAME +STATUS +MESSAGE +ERROR/)
    const rows = (await kubectl.rows('get componentstatuses')).map(({ NAME, STATUS, MESSAGE }) => [
      NAME,
      STATUS,
      MESSAGE,
    ])
    assert.deepEqual(rows.sort(), [
      ['controller-manager', 'Healthy', 'ok'],
      ['etcd-0', 'Healthy', 'ok'],
      ['scheduler', 'Healthy', 'ok'],
    ])
    assert.equal(
      await kubectl.read('get cs scheduler', '{.conditions[0].type} {.conditions[0].status}'),
      'Healthy True',
    )
    assert.match(await kubectl.refused('get cs mail'), /componentstatuses "mail" not found/)
  },

  'The numbers that dashboards look for': async ({ kubectl, settle }) => {
    await kubectl('create deployment web --image=web')
    await settle()
    const text = await kubectl('get --raw /metrics')
    for (const name of [
      'apiserver_request_duration_seconds_bucket{',
      'apiserver_request_total{',
      'apiserver_current_inflight_requests{',
      'workqueue_depth{name="deployment"}',
      'workqueue_adds_total{name="replicaset"}',
      'workqueue_queue_duration_seconds_bucket{name="replicaset",le="1"}',
      'workqueue_work_duration_seconds_count{name="deployment"}',
      'workqueue_retries_total{name="garbage_collector_attempt_to_delete"}',
      'workqueue_unfinished_work_seconds{name="namespace"}',
      'workqueue_longest_running_processor_seconds{name="endpoint_slice"}',
      'leader_election_master_status{name="kube-controller-manager"} 1',
      'leader_election_master_status{name="kube-scheduler"} 1',
      'rest_client_requests_total{code="200",host="',
      'rest_client_request_duration_seconds_bucket{host="',
      'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} ',
      'scheduler_scheduling_attempt_duration_seconds_bucket{profile="default-scheduler",result="scheduled",le="0.001"}',
      'scheduler_pending_pods{queue="active"} 0',
      'scheduler_pending_pods{queue="unschedulable"} ',
      'scheduler_pending_pods{queue="gated"} 0',
      'scheduler_preemption_attempts_total 0',
      'scheduler_scheduling_algorithm_duration_seconds_bucket{le="0.001"} ',
      'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} ',
      'scheduler_pod_scheduling_attempts_count ',
      'scheduler_queue_incoming_pods_total{event="PodAdd",queue="active"} ',
      'scheduler_cache_size{type="nodes"} ',
      'scheduler_framework_extension_point_duration_seconds_bucket{extension_point="Filter",profile="default-scheduler",status="Success",le="0.1024"} ',
      'apiserver_request_sli_duration_seconds_bucket{',
      'kubernetes_build_info{',
      'apiserver_client_certificate_expiration_seconds_bucket{le="86400"} 0',
      'apiserver_storage_objects{resource="deployments.apps"} 1',
      'apiserver_resource_objects{group="apps",resource="deployments"} 1',
      'process_resident_memory_bytes ',
    ])
      assert.ok(text.includes(name), name)
    assert.match(text, /^workqueue_adds_total\{name="deployment"\} [1-9]/m)
  },
})

stories(
  {
    'Where only the API runs, the others cannot be asked': async ({ kubectl }) => {
      const rows = (await kubectl.rows('get cs')).map(({ NAME, STATUS, MESSAGE }) => [NAME, STATUS, MESSAGE])
      assert.deepEqual(rows.sort(), [
        ['controller-manager', 'Unhealthy', refused(10257)],
        ['etcd-0', 'Healthy', 'ok'],
        ['scheduler', 'Unhealthy', refused(10259)],
      ])
    },
  },
  { own: true, apiOnly: true },
)
