/** The packages that run on an access point, by package-lock.json, and what is not wanted of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** A package as package-lock.json, version 3, has it. */
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

/** A package's own package.json, where it is of interest. */
interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly gypfile?: boolean;
}

export interface Package {
  /** Where it lies, relative to the repository. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** Licences that ask for nothing but that they are handed on. In a choice, each must be one of them. */
const PERMISSIVE = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'CC0-1.0', 'CC-BY-3.0']);
const REGISTRY = 'https://registry.npmjs.org/';
/** npm runs these when a package is installed. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

export function readLockFile(): LockFile {
  return JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as LockFile;
}

const isInstalled = ({ dev, optional, devOptional }: Locked) => !dev && !optional && !devOptional;

/** What `npm ci --omit=dev --omit=optional` installs: links are left out, for what they lead to is there too. */
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

/** The lock file without what is not installed in production. */
export function productionLockFile({ packages }: LockFile): LockFile {
  return { packages: Object.fromEntries(Object.entries(packages).filter(([, locked]) => isInstalled(locked))) };
}

/** What makes the lock file less than exact: of every package, for those that build it run on the machine of who does. */
export function lockProblems({ packages }: LockFile): string[] {
  return Object.entries(packages).flatMap(([path, { version, resolved, integrity, link }]) => {
    // The project itself, and what lies in it.
    if (path === '' || path.startsWith('vendor/') || (link && resolved?.startsWith('vendor/'))) return [];
    return [
      ...(version ? [] : [`${path}: no version`]),
      ...(integrity?.startsWith('sha512-') ? [] : [`${path}: no SHA-512 of it`]),
      // Without an address it is asked of the registry that npm knows.
      ...(resolved === undefined || resolved.startsWith(REGISTRY) ? [] : [`${path}: from ${resolved}, not from the registry`]),
    ];
  });
}

/** What is not wanted of a package in production, as the lock file says it. */
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

/** The same as it lies there: install scripts, and native code or what it is built of. */
export function installedProblems(folder: string): string[] {
  const { scripts = {}, gypfile } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const native = filesOf(folder).filter((file) => /(?:^|\/)binding\.gyp$|\.(?:node|so|dll|dylib|wasm)$/.test(file));
  return [
    ...INSTALL_SCRIPTS.filter((name) => scripts[name] !== undefined).map((name) => `${folder}: has the script ${name}`),
    ...(gypfile ? [`${folder}: is built with node-gyp`] : []),
    ...native.map((file) => `${folder}: has native code, ${file}`),
  ];
}

/** Files of a package, without those of packages in it. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    return entry.name === 'node_modules' ? [] : filesOf(join(folder, entry.name)).map((file) => `${entry.name}/${file}`);
  });
}

/** Texts of the licence of a package, and of notices that go with it and with what is bundled in it. */
export function licenceTexts({ path }: Package): string[] {
  const folder = join(REPOSITORY, path);
  if (!existsSync(folder)) throw new Error(`${path} is not installed: run npm ci`);
  return readdirSync(folder)
    .filter((name) => /^(?:licen[cs]e|copying|notice)|\.licen[cs]e\.txt$/i.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}
