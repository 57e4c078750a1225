import type { Plugin } from 'vite';
import type { Edit } from './safeguard.js';

export const VARIABLE: string;
export function switchOff(): Plugin[];
export function replaceOnce(code: string, edit: Edit): string;
