/**
 * What a release says of the packages in it: a software bill of materials as CycloneDX and as SPDX, and their licences.
 *
 *     npm run release:sbom -- FOLDER
 *
 * writes apsnap-VERSION.cdx.json, apsnap-VERSION.spdx.json and THIRD-PARTY-LICENCES.txt there. The times in them are of
 * SOURCE_DATE_EPOCH, where that is set.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  licenceTexts,
  lockProblems,
  type Package,
  productionLockFile,
  productionPackages,
  productionProblems,
  REPOSITORY,
  readLockFile,
} from './production.js';

interface CycloneDx {
  metadata: { timestamp: string; component: { name: string } };
  components: { 'bom-ref': string }[];
}

interface Spdx {
  creationInfo: { created: string };
  packages: { name: string; versionInfo: string }[];
}

/**
 * npm's own bill, made where there is nothing but production: with `--omit=dev` npm 11 leaves out packages that development needs
 * as well.
 */
function billOf<T>(folder: string, format: 'cyclonedx' | 'spdx'): T {
  const args = ['sbom', '--package-lock-only', `--sbom-format=${format}`];
  return JSON.parse(execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as T;
}

function prepareProduction(folder: string): void {
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8'));
  lock.packages = productionLockFile(lock).packages;
  delete lock.packages[''].devDependencies;
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  cpSync(join(REPOSITORY, 'vendor'), join(folder, 'vendor'), { recursive: true });
}

/** A bill that has forgotten something is worse than none. */
function expectAll(packages: readonly Package[], listed: readonly string[], format: string): void {
  const known = new Set(listed);
  const missing = packages.map(({ name, version }) => `${name}@${version}`).filter((one) => !known.has(one));
  if (missing.length > 0) throw new Error(`npm sbom has left out of ${format}: ${missing.join(', ')}`);
}

function licences(packages: readonly Package[]): string {
  const width = Math.max(...packages.map(({ name, version }) => name.length + version.length + 1));
  const table = packages.map(({ name, version, license }) => `${`${name} ${version}`.padEnd(width)}  ${license}`);
  const texts = new Map<string, string[]>();
  for (const each of packages) {
    for (const text of licenceTexts(each)) {
      const trimmed = text.replaceAll('\r', '').trim();
      texts.set(trimmed, [...(texts.get(trimmed) ?? []), `${each.name} ${each.version}`]);
    }
  }
  const rule = '-'.repeat(80);
  const sections = [...texts].map(([text, names]) => `${rule}\n${names.join(', ')}\n${rule}\n\n${text}\n`);
  return [`Packages in apsnap, and their licences\n`, ...table, '', ...sections].join('\n');
}

function main([folder]: string[]): void {
  if (folder === undefined) throw new Error('the folder to write to is missing: npm run release:sbom -- FOLDER');
  const lock = readLockFile();
  const problems = [...lockProblems(lock), ...productionProblems(lock)];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const packages = productionPackages(lock).filter(
    (one, index, all) => all.findIndex(({ name, version }) => name === one.name && version === one.version) === index,
  );
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const time = (epoch ? new Date(Number(epoch) * 1_000) : new Date()).toISOString();
  const production = mkdtempSync(join(tmpdir(), 'apsnap-production-'));
  try {
    prepareProduction(production);
    const cyclonedx = billOf<CycloneDx>(production, 'cyclonedx');
    const spdx = billOf<Spdx>(production, 'spdx');
    expectAll(
      packages,
      cyclonedx.components.map((component) => component['bom-ref']),
      'CycloneDX',
    );
    expectAll(
      packages,
      spdx.packages.map(({ name, versionInfo }) => `${name}@${versionInfo}`),
      'SPDX',
    );
    // npm takes the name from the folder.
    cyclonedx.metadata.component.name = 'apsnap';
    cyclonedx.metadata.timestamp = time;
    spdx.creationInfo.created = time;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `apsnap-${version}.cdx.json`), `${JSON.stringify(cyclonedx, null, 2)}\n`);
    writeFileSync(join(folder, `apsnap-${version}.spdx.json`), `${JSON.stringify(spdx, null, 2)}\n`);
    writeFileSync(join(folder, 'THIRD-PARTY-LICENCES.txt'), licences(packages));
  } finally {
    rmSync(production, { recursive: true, force: true });
  }
  process.stdout.write(`${packages.length} packages: see ${folder}\n`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sbom: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
