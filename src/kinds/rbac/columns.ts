import type { ApiObject, Column } from '../../schema/kind.ts'
import { ageColumn, nameColumn, textColumn, wideColumn } from '../columns.ts'
import type { RoleRef, Subject } from './shared.ts'

interface Binding extends ApiObject {
  readonly subjects?: readonly Subject[]
  readonly roleRef: RoleRef
}

/** The columns of role bindings and cluster role bindings. */
export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  textColumn(
    'Role',
    'The kind and name of the role that is given.',
    ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
  ),
  ageColumn,
  wideColumn('Users', 'The users who have the role.', (binding) => namesOf(binding, 'User')),
  wideColumn('Groups', 'The groups that have the role.', (binding) => namesOf(binding, 'Group')),
  wideColumn('ServiceAccounts', 'The service accounts that have the role.', (binding) =>
    namesOf(binding, 'ServiceAccount'),
  ),
]

function namesOf({ subjects = [] }: Binding, kind: string): string {
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace = '' }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
    .join(', ')
}
