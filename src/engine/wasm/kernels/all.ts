// Every kernel that we replace in, or add to, the wasm backend.
import type { Override } from '../runtime.ts';
import { cast, identity } from './aliases.ts';
import { matmul } from './matmul.ts';

export const overrides: readonly Override[] = [matmul, identity, cast];
