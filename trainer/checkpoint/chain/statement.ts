import { basename } from 'node:path';
import { type Link, materialsOfStage, parentsOf } from './chain.ts';

/** A resource descriptor of in-toto: something that is told by its SHA-256. */
interface Resource {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

export interface Statement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly Resource[];
  readonly predicateType: 'https://slsa.dev/provenance/v1';
  readonly predicate: {
    readonly buildDefinition: {
      readonly buildType: string;
      readonly externalParameters: Readonly<Record<string, unknown>>;
      readonly internalParameters: Readonly<Record<string, unknown>>;
      readonly resolvedDependencies: readonly Resource[];
    };
    readonly runDetails: {
      readonly builder: { readonly id: string; readonly version: Readonly<Record<string, string>> };
    };
  };
}

/**
 * How a checkpoint came about, as an in-toto Statement v1 with a SLSA Provenance v1 predicate, to be signed and stored by tools
 * for these. It holds no time and no machine: equal checkpoints have equal statements.
 *
 * Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/provenance
 *
 * @param links the chain that it belongs to, in which stages are looked up
 */
export function statementOf(link: Link, links: readonly Link[]): Statement {
  const { manifest, digest, provenance, path } = link;
  const stage = provenance?.stage ?? basename(path);
  const name = (file: string): string => `${stage}/${basename(path)}/${file}`;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      resource(name('checkpoint.json'), digest),
      ...manifest.files.map((file) => resource(name(file.path), file.sha256)),
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://r1.dev/stage/v1',
        externalParameters: { ...provenance, ...(manifest.length !== undefined && { length: manifest.length }) },
        internalParameters: { settingsDigest: manifest.settingsDigest, step: manifest.step },
        resolvedDependencies: dependencies(link, links),
      },
      runDetails: { builder: { id: 'https://r1.dev/trainer', version: manifest.engine } },
    },
  };
}

function dependencies(link: Link, links: readonly Link[]): Resource[] {
  const { manifest, provenance } = link;
  const { trainer } = manifest.engine;
  const parents = parentsOf(link).map((digest) => {
    const parent = links.find((each) => each.digest === digest);
    const name = parent?.provenance
      ? `${parent.provenance.stage}/${basename(parent.path)}/checkpoint.json`
      : 'checkpoint.json';
    return resource(name, digest);
  });
  const materials = provenance === undefined ? [] : materialsOfStage(provenance);
  return [
    ...parents,
    ...materials.map(({ name, sha256 }) => resource(name, sha256)),
    ...(trainer === undefined ? [] : [resource('sources of the trainer', trainer)]),
  ];
}

function resource(name: string, sha256: string): Resource {
  return { name, digest: { sha256 } };
}
