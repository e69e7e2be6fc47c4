/** Columns that all kinds which make pods from a template share. */
import type { Column } from '../../schema/kind.ts'
import { wideColumn } from '../columns.ts'
import type { PodTemplateSpec } from '../core/pod-spec.ts'

export const containerNames = (template: PodTemplateSpec | undefined): string =>
  (template?.spec.containers ?? []).map(({ name }) => name).join(',')

export const containerImages = (template: PodTemplateSpec | undefined): string =>
  (template?.spec.containers ?? []).map(({ image = '' }) => image).join(',')

/** What `-o wide` shows of a template: its containers and their images. */
export function templateColumns<T>(templateOf: (object: T) => PodTemplateSpec | undefined): Column<T>[] {
  return [
    wideColumn('Containers', "The names of the pods' containers.", (object) => containerNames(templateOf(object))),
    wideColumn('Images', "The images of the pods' containers.", (object) => containerImages(templateOf(object))),
  ]
}
