// The parts in the order they are run.
import type { Part } from '../part';
import { calls } from './calls';
import { cancels } from './cancels';
import { endless } from './endless';
import { exits } from './exits';
import { model } from './model';
import { workers } from './workers';

export const PARTS: readonly Part[] = [calls, endless, cancels, workers, exits, model];
