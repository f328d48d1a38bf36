// The public surface, all of it.

export type { CallResult } from './call-result';
export type { CallMessage, CompileMessage } from './diagnostics';
export type { BackendDescription } from './engine';
export { Engine } from './engine';
export { type Cipher, type DecodeOptions, type EncodeOptions, envelope } from './envelope';
export type { ErrorCode, Phase } from './errors/codes';
export { AingleWasmError, type ArgumentError } from './errors/error';
export { Global } from './global';
export type { HostContext } from './host-context';
export { type HostFunction, type HostFunctionOptions, hostFunction } from './host-function';
export type { HostInput } from './host-input';
export { Instance } from './instance';
export { Memory } from './memory';
export { Module } from './module';
export { Table } from './table';
export type * from './types';
export { version } from './version';
