/** The expression engine's face: what others import. The contract is in `contract.ts`, types in `types.ts`. */
export { compile } from './compile.ts'
export {
  type Bindings,
  CelCompileError,
  CelEvaluationError,
  type CelIssue,
  type CostEstimate,
  type Environment,
  type Evaluation,
  type EvaluationOptions,
  type Program,
} from './contract.ts'
export { Failure } from './failure.ts'
export {
  type Authorizer,
  type AuthorizerAttributes,
  type AuthorizerDecision,
  authorizerType,
  createAuthorizer,
  requestResourceType,
} from './library/authorizer.ts'
export * from './limits.ts'
export { escapeFieldName, type JsonSchema, leastBytesOf, typeOfSchema } from './schema-type.ts'
export * as celTypes from './types.ts'
export { type CelField, type CelType, formatType } from './types.ts'
export { CelList, CelMap, CelObject, type CelValue, optionalNone, optionalOfValue, toJson } from './values.ts'
