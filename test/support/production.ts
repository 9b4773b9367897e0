/** The packages that run on an access point, as package-lock.json lists them, and what they must not have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** A package in package-lock.json, version 3. */
interface Locked {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  /** Not installed by `npm ci --omit=dev --omit=optional`. */
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, Locked>>;
}

/** A part of a package's own package.json. */
interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly gypfile?: boolean;
}

export interface Package {
  /** Its folder, relative to the repository. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** Licences that require only that their text is passed on. In a choice, each must be one of them. */
const PERMISSIVE = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'CC0-1.0', 'CC-BY-3.0']);
const REGISTRY = 'https://registry.npmjs.org/';
/** npm runs these when a package is installed. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

export function readLockFile(): LockFile {
  return JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as LockFile;
}

const isInstalled = ({ dev, optional, devOptional }: Locked) => !dev && !optional && !devOptional;

/** Lists what `npm ci --omit=dev --omit=optional` installs. Links are left out, because their targets are listed. */
export function productionPackages({ packages }: LockFile): Package[] {
  return Object.entries(packages)
    .filter(([path, locked]) => path !== '' && !locked.link && isInstalled(locked))
    .map(([path, { name, version, license }]) => ({
      path,
      name: name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version: version ?? '',
      license: license ?? '',
    }));
}

/** Lists packages that aren't pinned exactly: all of them, because development packages run on developers' machines. */
export function lockProblems({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { version, resolved, integrity, link }]) => {
    // The project itself, and packages in its repository.
    if (path === '' || path.startsWith('vendor/') || (link && resolved?.startsWith('vendor/'))) return [];
    return [
      ...(version ? [] : [`${path}: no version`]),
      ...(integrity?.startsWith('sha512-') ? [] : [`${path}: no SHA-512 hash`]),
      // Without an address, npm asks its configured registry.
      ...(resolved === undefined || resolved.startsWith(REGISTRY) ? [] : [`${path}: from ${resolved}, not from the registry`]),
    ];
  });
}

/** Lists production packages with an install script or another licence, by the lock file. */
export function productionProblems(lock: LockFile): string[] {
  return productionPackages(lock).flatMap(({ path, license }) => [
    ...(lock.packages[path]?.hasInstallScript ? [`${path}: has an install script`] : []),
    ...(isPermissive(license) ? [] : [`${path}: its licence is ${license || 'not named'}`]),
  ]);
}

function isPermissive(license: string): boolean {
  return license
    .replace(/^\((.*)\)$/, '$1')
    .split(/ (?:OR|AND) /)
    .every((one) => PERMISSIVE.has(one));
}

/** Lists install scripts and native code in an installed package. */
export function installedProblems(folder: string): string[] {
  const { scripts = {}, gypfile } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const native = filesOf(folder).filter((file) => /(?:^|\/)binding\.gyp$|\.(?:node|so|dll|dylib|wasm)$/.test(file));
  return [
    ...INSTALL_SCRIPTS.filter((name) => scripts[name] !== undefined).map((name) => `${folder}: has the script ${name}`),
    ...(gypfile ? [`${folder}: is built with node-gyp`] : []),
    ...native.map((file) => `${folder}: has native code, ${file}`),
  ];
}

/** Lists the files of a package, without those of nested packages. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    return entry.name === 'node_modules' ? [] : filesOf(join(folder, entry.name)).map((file) => `${entry.name}/${file}`);
  });
}
