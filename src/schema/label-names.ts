export { labelValueFaults, qualifiedNameFaults } from './names.ts'
