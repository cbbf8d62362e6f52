import { createHash } from 'node:crypto';
import {
  type AppliedPolicy,
  appliedPolicies,
  type ShapedStage,
  withoutPolicy,
} from '../../contract/settings/preference-policy.ts';
import { shortDigest } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { PipelineRecord } from '../record.ts';

/** Whose preferences shaped which stages; nothing for a pipeline that learns none. */
export function preferences({ stages }: PipelineRecord): Html | undefined {
  const shaped = stages.map(({ name, settings, model, inputs }): ShapedStage => {
    return { name, settings, uses: [...(model === undefined ? [] : [model]), ...inputs] };
  });
  const policies = appliedPolicies(shaped);
  const undeclared = withoutPolicy(shaped);
  if (policies.length === 0 && undeclared.length === 0) return undefined;
  return html`<section id="preferences">
    <h2>Preferences</h2>
    ${
      undeclared.length > 0 &&
      html`<p class="note">
        By no declared policy: ${undeclared.map((stage) => html`<a href="#stage-${stage}">${stage}</a> `)}
      </p>`
    }
    ${policies.map(policySection)}
  </section>`;
}

function policySection({ policy: { name, text }, declaredBy, shaped }: AppliedPolicy): Html {
  const digest = createHash('sha256').update(text).digest('hex');
  return html`<p>
      Policy <strong>${name}</strong> <code title="${digest}">${shortDigest(digest)}</code>, declared by
      ${links(declaredBy)}, shaped ${shaped.length > 0 ? links(shaped) : 'nothing else'}.
    </p>
    <details>
      <summary>Its text</summary>
      <pre>${text}</pre>
    </details>`;
}

function links(stages: readonly string[]): Html[] {
  return stages.map((stage, at) => html`${at > 0 && ', '}<a href="#stage-${stage}">${stage}</a>`);
}
