// Finds the C++ compiler that builds the addon.
import { findProgram } from './run-program.ts';

/** The C++ compiler: CXX where it is set, else g++ or clang++. */
export function findCompiler(environment: NodeJS.ProcessEnv): string | undefined {
  return findProgram(environment.CXX ? [environment.CXX] : ['g++', 'clang++', 'c++'], environment);
}

/** @throws Error that says which package brings one. */
export function requireCompiler(environment: NodeJS.ProcessEnv): string {
  const compiler = findCompiler(environment);
  if (compiler) return compiler;
  const named = environment.CXX ? `the compiler CXX=${environment.CXX} is missing` : 'a C++ compiler is missing';
  throw new Error(
    `${named} (Debian and Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)`,
  );
}
