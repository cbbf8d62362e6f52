/** An object of the API as the auditor reads it: what the documentation says of it, and nothing of the operator's own types. */
export interface Kube {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string }[];
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
}

export interface Pipeline extends Kube {
  readonly spec: { readonly stages: readonly { readonly name: string; readonly gate?: object }[] };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly stages?: readonly { readonly name: string; readonly state: string }[];
    readonly display?: { readonly state: string; readonly progress: string };
  };
}

export interface Stage extends Kube {
  readonly spec: {
    readonly stage: string;
    readonly model?: { readonly input?: { readonly stage: string; readonly digest: string } };
  };
  readonly status?: {
    readonly attempts?: readonly { readonly number: number; readonly outcome: string }[];
    readonly checkpoint?: { readonly digest: string };
    readonly display?: { readonly state: string };
  };
}

export interface Job extends Kube {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface ContainerState {
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly message?: string };
}

export interface Pod extends Kube {
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly name: string; readonly state?: ContainerState }[];
  };
}

/** All that is there at about one moment. */
export interface Snapshot {
  readonly pipelines: readonly Pipeline[];
  readonly stages: readonly Stage[];
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
}

/** Of a pod or Job: the stage that it is for, the attempt and its part. */
export function placeOf({ metadata: { labels = {} } }: Kube) {
  return {
    stage: labels['r1.dev/stage-uid'] ?? '',
    attempt: Number(labels['r1.dev/attempt'] ?? 0),
    isTrainer: labels['app.kubernetes.io/component'] === 'trainer',
  };
}

export function ownerOf({ metadata }: Kube, kind: string): string | undefined {
  return metadata.ownerReferences?.find((each) => each.kind === kind)?.uid;
}

export function holds(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
}
