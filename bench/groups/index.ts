// The chapters of the price list, in order.
import type { Group } from '../price-list';
import { asyncCall } from './async-call';
import { callRawBytes, callRawEnvelope, callSync, exportsCall } from './calls';
import { compute, computePrograms } from './compute';
import { deadline } from './deadline';
import { hostCall } from './host-call';
import { compile, instantiate, prepare } from './modules';
import { cores, eventLoop, footprint } from './process';

export const GROUPS: readonly Group[] = [
  callRawBytes,
  callRawEnvelope,
  callSync,
  exportsCall,
  hostCall,
  asyncCall,
  prepare,
  compile,
  instantiate,
  computePrograms,
  compute,
  footprint,
  eventLoop,
  deadline,
  cores,
];
