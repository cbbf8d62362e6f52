import type { Rule } from '../../../trainer/contract/settings/schema.ts';
import { annotations, apiGroup, apiVersion, approvedBecausePrefix, approvedByPrefix } from '../resources/metadata.ts';
import { schemaOf } from '../manifest.ts';
import { ofEveryStage } from '../resources/references.ts';
import type { StructuralSchema } from '../check/structural-schema.ts';

/*
 * The rules about a pipeline as a whole, and about each of its stages, are not in the CustomResourceDefinition but in a
 * ValidatingAdmissionPolicy: an API server evaluates those of a definition again with every status, which doubled what the
 * status of a pipeline cost (docs/decisions/0003). A policy is asked only when somebody writes a spec.
 */

const rules = 'x-kubernetes-validations';

/** The schema of R1Pipeline without the rules that its policy holds. */
export function withoutPolicyRules(schema: StructuralSchema): StructuralSchema {
  return changed(schema, 'spec', (spec) => {
    const { [rules]: _, ...rest } = spec;
    return changed(rest, 'stages', ({ items, ...stages }) => {
      const { [rules]: __, ...stage } = items ?? {};
      return { ...stages, items: stage };
    });
  });
}

function changed(
  schema: StructuralSchema,
  property: string,
  change: (schema: StructuralSchema) => StructuralSchema,
): StructuralSchema {
  const value = schema.properties?.[property];
  if (value === undefined) return schema;
  return { ...schema, properties: { ...schema.properties, [property]: change(value) } };
}

/** CEL, a rule each: what is wrong with `object.spec`, a list of lists of messages with their places from the root. */
function problems(): string[] {
  const spec = schemaOf('R1Pipeline').properties?.['spec'];
  const ofStages = spec?.properties?.['stages']?.items?.[rules] ?? [];
  return [...ofStages.map(ofEveryStage), ...(spec?.[rules] ?? [])].map(problemsOf);
}

function problemsOf(rule: Rule): string {
  if (rule.problems === undefined) throw new Error(`no place in the message of the rule: ${rule.message}`);
  return rule.problems.replaceAll(/\bself\b/g, 'object.spec');
}

/** The policies for R1Pipelines, and what puts them into force. */
export function pipelinePolicy(): object[] {
  return [...specPolicy(), ...approvalsPolicy()];
}

/** Says everything that is wrong with a spec at once. */
function specPolicy(): object[] {
  const found = problems().map((expression, at) => ({ name: `problems${at + 1}`, expression }));
  return denyPolicy(`r1pipelines.${apiGroup}`, {
    matchConditions: [
      { name: 'spec-is-new', expression: "request.operation == 'CREATE' || object.spec != oldObject.spec" },
    ],
    variables: [...found, { name: 'problems', expression: found.map(({ name }) => `variables.${name}`).join(' + ') }],
    validations: [
      {
        expression: 'size(variables.problems) == 0',
        messageExpression: "variables.problems.map(each, each.join('; ')).join('; ')",
      },
    ],
  });
}

/** CEL: the stages that annotations approve. @param given name of a variable with annotations */
function approvedIn(given: string): string {
  const { approved } = annotations;
  return `('${approved}' in variables.${given} ? variables.${given}['${approved}'].split(',').map(each, each.trim()) : [])`;
}

/**
 * An approval carries the name of whoever gives it: only they can write it, and nobody can make it another one. One that lets pass what a
 * bound would stop carries its reason, too.
 */
function approvalsPolicy(): object[] {
  const waitsAtBound =
    "has(stage.gate) && has(stage.gate.onFailure) && stage.gate.onFailure == 'Wait' && !has(stage.gate.approval)";
  const reason = `'${approvedBecausePrefix}' + stage.name`;
  const hasReason = `${reason} in variables.given && variables.given[${reason}].trim() != ''`;
  const theirs = `variables.given[key] == request.userInfo.username`;
  const kept = `(key in variables.before && variables.before[key] == variables.given[key])`;
  return denyPolicy(`r1pipelines-approvals.${apiGroup}`, {
    variables: [
      { name: 'given', expression: 'object.metadata.?annotations.orValue({})' },
      {
        name: 'before',
        expression: "request.operation == 'CREATE' ? {} : oldObject.metadata.?annotations.orValue({})",
      },
      {
        name: 'exceptions',
        expression: `object.spec.stages.filter(stage, ${waitsAtBound} && stage.name in ${approvedIn('given')} && !(stage.name in ${approvedIn('before')}) && !(${hasReason})).map(stage, stage.name)`,
      },
    ],
    validations: [
      {
        expression: 'size(variables.exceptions) == 0',
        messageExpression: `'metadata.annotations: found no reason why the gate of ' + variables.exceptions.join(', ') + ' is opened, expected one in ${approvedBecausePrefix}STAGE (kubectl r1 approve PIPELINE STAGE --because REASON)'`,
      },
      {
        expression: `variables.given.all(key, !key.startsWith('${approvedByPrefix}') || ${theirs} || ${kept})`,
        messageExpression: `'metadata.annotations: ${approvedByPrefix}STAGE is the name of whoever approves, expected ' + request.userInfo.username`,
      },
    ],
  });
}

/** A policy for what is written to R1Pipelines, and the binding by which it denies. */
function denyPolicy(name: string, judgement: object): object[] {
  const admission = 'admissionregistration.k8s.io/v1';
  const resourceRule = {
    apiGroups: [apiGroup],
    apiVersions: [apiVersion.split('/')[1]],
    operations: ['CREATE', 'UPDATE'],
    resources: ['r1pipelines'],
  };
  return [
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules: [resourceRule] }, ...judgement },
    },
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ];
}
